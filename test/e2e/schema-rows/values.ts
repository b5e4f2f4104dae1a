import { PERSON, type Row, ssn } from '../../support/schema/row.ts';

/** A table with a column `v` of some type, and 100 rows that have it by this expression. */
const withValue = (type: string, value: string) => `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, v ${type});
  INSERT INTO person SELECT i, '${ssn.value} ' || i, ${value} FROM generate_series(1, 100) i`;

const tables = { person: { columns: { id: 'keep', ssn: 'hash', v: 'keep' } } } as const;

/** ALTER … TYPE in all its sorts (S-05). */
const RETYPED: readonly [name: string, type: string, value: string, ddl: string][] = [
  ['an integer becomes a bigint', 'integer', 'i', 'TYPE bigint'],
  ['an integer becomes text', 'integer', 'i', 'TYPE text'],
  ['a varchar becomes longer', 'varchar(10)', 'i', 'TYPE varchar(20)'],
  ['a text becomes a varchar', 'text', 'i', 'TYPE varchar(100)'],
  ['a numeric gets more digits', 'numeric(10,2)', 'i / 3.0', 'TYPE numeric(12,4)'],
  ['a timestamp gets a time zone', 'timestamp', `'2024-01-01'::timestamp + i * interval '1 s'`, 'TYPE timestamptz'],
  ['a text becomes an array', 'text', 'i', 'TYPE text[] USING ARRAY[v]'],
];

/** Values rewritten under the type they have, which no message tells of (E13). */
const REWRITTEN: readonly [name: string, type: string, value: string, ddl: string][] = [
  ['texts are rewritten in place', 'text', 'i', `TYPE text USING 'again ' || v`],
  ['numbers are rewritten in place, in a table without TOAST', 'integer', 'i', 'TYPE integer USING v + 1'],
];

const altered = ([name, type, value, ddl]: readonly [string, string, string, string]): Row => ({
  name,
  setup: withValue(type, value).replace(/ssn text, v integer/, 'ssn varchar(60), v integer'),
  tables,
  ddl: [`ALTER TABLE person ALTER v ${ddl}`],
  ends: { as: 'recopied' },
});

/** Rules that fitted when the table was taken in (the configuration is as it was, so it is not in error). */
const OUTGROWN: readonly Row[] = [
  {
    name: 'a column whose rule does not fit its new type halts the table, until it has the old one',
    setup: withValue('numeric', 'i'),
    tables: { person: { columns: { id: 'keep', ssn: 'hash', v: { round: { digits: 0 } } } } },
    ddl: ['ALTER TABLE person ALTER v TYPE text'],
    ends: {
      as: 'halted',
      code: 'rule_outgrown',
      fix: { sql: ['ALTER TABLE person ALTER v TYPE numeric USING v::numeric'] },
    },
  },
  {
    name: 'a column whose rule does not fit its new type halts the table, until it has another rule',
    setup: withValue('numeric', 'i'),
    tables: { person: { columns: { id: 'keep', ssn: 'hash', v: { round: { digits: 0 } } } } },
    ddl: ['ALTER TABLE person ALTER v TYPE text'],
    ends: {
      as: 'halted',
      code: 'rule_outgrown',
      fix: { tables: { person: { columns: { id: 'keep', ssn: 'hash', v: 'hash' } } } },
    },
  },
  {
    name: 'a key over a column whose rule could give two rows one key halts the table, until it is another one',
    setup: withValue('integer NOT NULL', 'i'),
    tables: { person: { columns: { id: 'keep', ssn: 'hash', v: { round: { digits: -1 } } } } },
    ddl: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (v)'],
    ends: {
      as: 'halted',
      code: 'rule_outgrown',
      fix: { sql: ['ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (id)'] },
    },
  },
];

/** Types that other objects define (S-07). Nothing of these is in the stream. */
const withType = (type: string, value: string, makes: string) => `${makes}; ${withValue(type, value)}`;
const MOOD = `CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy, really')`;
const ADDRESS = 'CREATE TYPE address AS (street text, number integer)';

const DEFINED: readonly Row[] = [
  {
    name: 'a label added to an enum arrives with the rows that have it',
    setup: withType('mood', `'sad'`, MOOD),
    ddl: [`ALTER TYPE mood ADD VALUE 'furious' BEFORE 'sad'`],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a label of an enum renamed is renamed in every row',
    setup: withType('mood', `'sad'`, MOOD),
    ddl: [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`],
    ends: { as: 'recopied', says: /its type .*mood was changed/ },
  },
  {
    name: 'two labels of an enum that swap names swap in every row',
    setup: withType('mood', `(ARRAY['sad', 'it''s ok'])[1 + i % 2]::mood`, MOOD),
    ddl: [
      `ALTER TYPE mood RENAME VALUE 'sad' TO 'x'; ALTER TYPE mood RENAME VALUE 'it''s ok' TO 'sad'; ALTER TYPE mood RENAME VALUE 'x' TO 'it''s ok'`,
    ],
    ends: { as: 'recopied' },
  },
  {
    name: 'a label renamed in the enum of an array’s elements is renamed in every row',
    setup: withType('mood[]', `'{sad,NULL}'`, MOOD),
    ddl: [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`],
    ends: { as: 'recopied' },
  },
  {
    name: 'a label renamed in the enum under a domain in a composite type is renamed in every row',
    setup: withType(
      'visit',
      `ROW(i, 'sad')::visit`,
      `${MOOD}; CREATE DOMAIN feeling AS mood CHECK (VALUE <> 'happy, really'); CREATE TYPE visit AS (at integer, felt feeling)`,
    ),
    ddl: [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`],
    ends: { as: 'recopied' },
  },
  {
    name: 'a label renamed in the enum that a range is over is renamed in every row',
    setup: withType('span', `span('sad', 'it''s ok', '[]')`, `${MOOD}; CREATE TYPE span AS RANGE (subtype = mood)`),
    ddl: [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`],
    ends: { as: 'recopied' },
  },
  {
    name: 'an attribute added to a composite type is in every row',
    setup: withType('address', `ROW('Main Street', i)::address`, ADDRESS),
    ddl: ['ALTER TYPE address ADD ATTRIBUTE town text'],
    ends: { as: 'recopied' },
  },
  {
    name: 'an attribute dropped from a composite type is in no row',
    setup: withType('address', `ROW('Main Street', i)::address`, ADDRESS),
    ddl: ['ALTER TYPE address DROP ATTRIBUTE street'],
    ends: { as: 'recopied' },
  },
  {
    name: 'an attribute of a composite type, dropped and added again, is empty in every row',
    setup: withType('address[]', `ARRAY[ROW('Main Street', i)::address]`, ADDRESS),
    ddl: ['ALTER TYPE address DROP ATTRIBUTE number; ALTER TYPE address ADD ATTRIBUTE number integer'],
    ends: { as: 'recopied' },
  },
  {
    name: 'an attribute renamed, a domain’s constraint and the name of a type are in no value',
    setup: `${MOOD}; ${ADDRESS}; CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
      CREATE TABLE person (id integer PRIMARY KEY, ssn text, v address, felt mood, n positive);
      INSERT INTO person SELECT i, '${ssn.value}', ROW('Main Street', i)::address, 'sad', i FROM generate_series(1, 100) i`,
    tables: { person: { columns: { ...tables.person.columns, felt: 'keep', n: 'keep' } } },
    ddl: [
      'ALTER TYPE address RENAME ATTRIBUTE street TO road',
      'ALTER DOMAIN positive DROP CONSTRAINT positive_check; ALTER DOMAIN positive ADD CHECK (VALUE > -5)',
      'ALTER DOMAIN positive SET DEFAULT 5',
      'ALTER TYPE mood RENAME TO feeling',
    ],
    ends: { as: 'unchanged' },
  },
].map((row) => ({ tables, ...row }) as Row);

/** What only the values, or the definition, have to do with. */
export const VALUES: readonly Row[] = [
  ...RETYPED.map(altered),
  ...REWRITTEN.map(altered),
  ...OUTGROWN,
  ...DEFINED,
  {
    name: 'values rewritten in place, and what touches the same marks of the catalog behind it',
    ddl: [
      `ALTER TABLE person ALTER note TYPE text USING 'again ' || note`,
      `ALTER TABLE person ALTER note SET DEFAULT 'none'`,
      'CLUSTER person USING person_pkey',
      'GRANT SELECT ON person TO PUBLIC',
    ],
    ends: { as: 'recopied', says: /its values were rewritten/ },
  },
  {
    name: 'values rewritten in place behind a truncate, in one transaction',
    ddl: [
      `TRUNCATE person; INSERT INTO person VALUES (1, 'a', 'b'); ALTER TABLE person ALTER note TYPE text USING note || note`,
    ],
    ends: { as: 'recopied', says: /its values were rewritten/ },
  },
  {
    name: 'five changes in one transaction, with rows of each definition in between',
    ddl: [
      `INSERT INTO person VALUES (5001, '${ssn.value}', 'a');
      ALTER TABLE person ADD b integer DEFAULT 7; INSERT INTO person (id, ssn, note, b) VALUES (5002, '${ssn.value}', 'a', 8);
      UPDATE person SET ssn = ssn || '.' WHERE id < 50; ALTER TABLE person DROP note;
      INSERT INTO person (id, ssn, b) VALUES (5003, '${ssn.value}', 9);
      ALTER TABLE person RENAME b TO c; INSERT INTO person (id, ssn, c) VALUES (5004, '${ssn.value}', 10);
      ALTER TABLE person ALTER c TYPE text; ALTER TABLE person ADD note text;
      INSERT INTO person (id, ssn, c, note) VALUES (5005, '${ssn.value}', 'c', 'd')`,
    ],
    ends: { as: 'recopied', warns: 'undecided_column' },
  },
  {
    name: 'a change that was rolled back to a savepoint is none',
    ddl: [
      `UPDATE person SET note = 'before' WHERE id = 1; SAVEPOINT here;
      ALTER TABLE person RENAME ssn TO x; ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME x TO note;
      UPDATE person SET id = id + 1000; ROLLBACK TO here; UPDATE person SET note = 'after' WHERE id = 2`,
    ],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a generated column is never read, whatever becomes of it',
    setup: `${PERSON}; ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED`,
    ddl: ['ALTER TABLE person DROP up', `ALTER TABLE person ADD up text GENERATED ALWAYS AS (ssn || '!') STORED`],
    ends: { as: 'recopied' },
  },
  {
    name: 'a generated column that becomes an ordinary one is one that nobody decided on',
    setup: `${PERSON}; ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED`,
    ddl: ['ALTER TABLE person ALTER up DROP EXPRESSION'],
    ends: { as: 'recopied', warns: 'undecided_column' },
  },
  {
    name: 'a virtual generated column is no column',
    ddl: ['ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) VIRTUAL'],
    ends: { as: 'unchanged' },
    since: 18,
  },
  {
    name: 'a stored generated column under REPLICA IDENTITY FULL keeps nobody from writing',
    setup: `${PERSON}; ALTER TABLE person REPLICA IDENTITY FULL`,
    ddl: [
      'ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED',
      `UPDATE person SET ssn = ssn || '.' WHERE id = 9`,
      'DELETE FROM person WHERE id = 10',
    ],
    ends: { as: 'recopied' },
  },
  {
    name: 'REPLICA IDENTITY FULL with a stored generated column keeps nobody from writing',
    setup: `${PERSON}; ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED`,
    ddl: [
      'ALTER TABLE person REPLICA IDENTITY FULL',
      `UPDATE person SET ssn = ssn || '.' WHERE id = 9`,
      'DELETE FROM person WHERE id = 10',
    ],
    ends: { as: 'recopied', says: /it has another replica identity/ },
  },
  {
    name: 'a virtual generated column under REPLICA IDENTITY FULL halts the table, until the identity is without it',
    setup: `${PERSON}; ALTER TABLE person REPLICA IDENTITY FULL`,
    ddl: ['ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) VIRTUAL'],
    ends: { as: 'halted', code: 'identity_unfit', fix: { sql: ['ALTER TABLE person REPLICA IDENTITY DEFAULT'] } },
    since: 18,
  },
  {
    name: 'a stored generated column that somebody’s publication leaves out halts the table, until the identity is without it',
    setup: `${PERSON}; ALTER TABLE person REPLICA IDENTITY FULL`,
    ddl: ['ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED'],
    ends: { as: 'halted', code: 'identity_unfit', fix: { sql: ['ALTER TABLE person REPLICA IDENTITY DEFAULT'] } },
    since: 18,
    pipeline: 'FOR ALL TABLES',
  },
  {
    name: 'defaults, constraints, statistics, storage and collations are in no value',
    ddl: [
      `ALTER TABLE person ALTER note SET DEFAULT 'none'`,
      `UPDATE person SET note = '' WHERE note IS NULL; ALTER TABLE person ALTER note SET NOT NULL`,
      'ALTER TABLE person ALTER note SET STATISTICS 1000',
      'ALTER TABLE person ALTER note SET STORAGE EXTERNAL',
      'ALTER TABLE person ADD CHECK (id <> 0)',
      'ALTER TABLE person ALTER note TYPE text COLLATE "C"',
      'ALTER TABLE person ALTER note DROP NOT NULL',
      'GRANT SELECT (note) ON person TO PUBLIC',
      `COMMENT ON COLUMN person.note IS 'a note'`,
    ],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a table truncated is empty, and its next rows come',
    ddl: ['TRUNCATE person', `INSERT INTO person SELECT i, '${ssn.value}', 'again' FROM generate_series(1, 30) i`],
    ends: { as: 'unchanged' },
  },
];
