import { PERSON, type Row, ssn } from '../../support/schema/row.ts';

/** Two unique columns besides the id, and no NULL in them. */
const MEMBER = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, code integer NOT NULL, note text DEFAULT '' NOT NULL);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, i, 'note ' || i FROM generate_series(1, 100) i;
  CREATE UNIQUE INDEX person_code ON person (code)`;

const columns = { id: 'keep', ssn: 'hash', code: 'keep', note: 'keep' } as const;
const member = { person: { columns } } as const;
const byCode = { person: { key: ['code'], columns } } as const;

/** The default DML has no code. */
const dml = (at: number) => [
  `INSERT INTO person (id, code) VALUES (${10_000 + at}, ${10_000 + at})`,
  `UPDATE person SET ssn = ssn || '.' WHERE id = ${1 + (at % 100)}`,
  `UPDATE person SET id = id + 1000000, code = code + 1000000 WHERE id = ${2 + (at % 100)}`,
  `DELETE FROM person WHERE id = ${3 + (at % 100)}`,
];

/** Keys and replica identities (S-08). */
export const KEYS: readonly Row[] = [
  ...[
    {
      name: 'a primary key dropped halts the table, until it has one again',
      ddl: ['ALTER TABLE person DROP CONSTRAINT person_pkey'],
      ends: { as: 'halted', code: 'no_key', fix: { sql: ['ALTER TABLE person ADD PRIMARY KEY (id)'] } },
    },
    {
      name: 'a primary key over another column is what rows are known by then',
      ddl: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (code)'],
      ends: { as: 'recopied', says: /it has another key/ },
    },
    {
      name: 'a primary key over one column more',
      ddl: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (id, note)'],
      ends: { as: 'recopied' },
    },
    {
      name: 'a primary key over the same column under another name is no change',
      ddl: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD CONSTRAINT other PRIMARY KEY (id)'],
      ends: { as: 'unchanged' },
    },
    {
      name: 'a primary key that becomes deferrable halts the table, until it is immediate again',
      ddl: [
        'ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD CONSTRAINT person_pkey PRIMARY KEY (id) DEFERRABLE',
      ],
      ends: {
        as: 'halted',
        code: 'no_key',
        fix: { sql: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (id)'] },
      },
    },
    {
      name: 'a primary key over a column that nobody decided on halts the table, until it is another one',
      ddl: [
        `ALTER TABLE person ADD more serial; ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (more)`,
      ],
      ends: {
        as: 'halted',
        code: 'undecided_column',
        fix: { sql: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (id)'] },
      },
    },
    {
      name: 'a key column of another type',
      ddl: ['ALTER TABLE person ALTER id TYPE bigint'],
      ends: { as: 'recopied', says: /column id has another type/ },
    },
    {
      name: 'a key column that becomes text',
      ddl: [`ALTER TABLE person ALTER id TYPE text USING 'n' || id`],
      dml: () => [`UPDATE person SET note = note || '.'`, `DELETE FROM person WHERE code = 7`],
      ends: { as: 'recopied' },
    },
    {
      name: 'the column of the key dropped halts the table, until another one is the key',
      ddl: ['ALTER TABLE person DROP id'],
      dml: () => [`UPDATE person SET note = note || '.'`, `DELETE FROM person WHERE code = 7`],
      ends: { as: 'halted', code: 'no_key', fix: { sql: ['ALTER TABLE person ADD PRIMARY KEY (code)'] } },
    },
    {
      name: 'REPLICA IDENTITY FULL',
      ddl: ['ALTER TABLE person REPLICA IDENTITY FULL'],
      first: ['ALTER TABLE person ADD meanwhile integer'],
      ends: { as: 'recopied', says: /it has another replica identity/ },
    },
    {
      name: 'REPLICA IDENTITY NOTHING halts the table, until it identifies rows again',
      ddl: ['ALTER TABLE person REPLICA IDENTITY NOTHING'],
      ends: { as: 'halted', code: 'no_key', fix: { sql: ['ALTER TABLE person REPLICA IDENTITY DEFAULT'] } },
    },
    {
      name: 'the replica identity of another index than the key’s halts the table, until it is the key’s',
      ddl: ['ALTER TABLE person REPLICA IDENTITY USING INDEX person_code'],
      ends: {
        as: 'halted',
        code: 'no_key',
        fix: { sql: ['ALTER TABLE person REPLICA IDENTITY USING INDEX person_pkey'] },
      },
    },
    {
      name: 'the index of the replica identity dropped halts the table, until there is another',
      setup: `${MEMBER}; ALTER TABLE person REPLICA IDENTITY USING INDEX person_code`,
      tables: byCode,
      ddl: ['DROP INDEX person_code'],
      ends: {
        as: 'halted',
        code: 'no_key',
        fix: {
          sql: [
            'CREATE UNIQUE INDEX person_code ON person (code); ALTER TABLE person REPLICA IDENTITY USING INDEX person_code',
          ],
        },
      },
    },
    {
      name: 'the index of a named key dropped halts the table, until there is another',
      setup: `${MEMBER}; ALTER TABLE person REPLICA IDENTITY FULL`,
      tables: byCode,
      ddl: ['DROP INDEX person_code'],
      ends: { as: 'halted', code: 'no_key', fix: { sql: ['CREATE UNIQUE INDEX person_code ON person (code)'] } },
    },
    {
      name: 'a named key that may be NULL halts the table, until it may not',
      setup: `${MEMBER}; ALTER TABLE person REPLICA IDENTITY FULL`,
      tables: byCode,
      ddl: ['ALTER TABLE person ALTER code DROP NOT NULL'],
      ends: { as: 'halted', code: 'no_key', fix: { sql: ['ALTER TABLE person ALTER code SET NOT NULL'] } },
    },
    {
      name: 'the replica identity’s index made anew over the same column is no change',
      setup: `${MEMBER}; ALTER TABLE person REPLICA IDENTITY USING INDEX person_code`,
      tables: byCode,
      ddl: [
        'DROP INDEX person_code; CREATE UNIQUE INDEX person_code ON person (code); ALTER TABLE person REPLICA IDENTITY USING INDEX person_code',
      ],
      ends: { as: 'unchanged' },
    },
  ].map((row) => ({ setup: MEMBER, tables: member, dml, ...row }) as Row),
  {
    name: 'a unique index that comes and goes is no change',
    ddl: ['CREATE UNIQUE INDEX person_note ON person (id, note)', 'DROP INDEX person_note'],
    setup: PERSON,
    ends: { as: 'unchanged' },
  },
];
