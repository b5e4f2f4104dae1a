import { formatTableName } from '../../../src/core/table-name.ts';
import { PERSON, person, type Row, ssn } from '../../support/schema/row.ts';

const LONG = 'ö'.repeat(29);

/** Whatever Postgres takes for a name; of the last two a name with something more behind it would be cut to the same. */
const NAMES = [
  'Mixed Case',
  't.a"b',
  'select',
  "it's",
  '../etc/passwd',
  'back\\slash',
  'trailing. ',
  '😀',
  '__proto__',
  '$1',
  `${LONG}first`,
  `${LONG}other`,
];

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
/** As the configuration has it: a plain word without quotes. */
const written = (name: string) => formatTableName({ schema: 'x', relation: name }).slice(2);

const columns = Object.fromEntries(NAMES.map((name) => [name, 'keep'] as const));

const SETUP = NAMES.map(
  (name) => `
  CREATE TABLE ${quote(name)} (id integer PRIMARY KEY, ssn text, note text, ${NAMES.map((column) => `${quote(column)} text`).join(', ')});
  INSERT INTO ${quote(name)} SELECT i, '${ssn.value} ' || i, 'note', 'of any name' FROM generate_series(1, 20) i;`,
).join('');

const AWAY = `CREATE SCHEMA $schema_away; CREATE TABLE $schema_away.person (id integer PRIMARY KEY, note text, ssn text);
  INSERT INTO $schema_away.person SELECT i, 'away', '${ssn.value}' FROM generate_series(1, 50) i`;

const SWAP_SCHEMAS = `ALTER SCHEMA $schema RENAME TO $schema_x; ALTER SCHEMA $schema_away RENAME TO $schema;
  ALTER SCHEMA $schema_x RENAME TO $schema_away`;

const inTwoSchemas = { setup: `${PERSON}; ${AWAY}`, tables: { person, '$schema_away.person': person } } as const;

/** What tables, columns and schemas may be called, and which of two that are called the same is meant (T-07, T-08). */
export const NAMED: readonly Row[] = [
  {
    name: 'tables and columns of any name',
    setup: SETUP,
    tables: Object.fromEntries(NAMES.map((name) => [written(name), { columns: { ...person.columns, ...columns } }])),
    dml: (at) =>
      NAMES.flatMap((name) => [
        `INSERT INTO ${quote(name)} (id, ${quote(name)}) VALUES (${1000 + at}, 'x')`,
        `UPDATE ${quote(name)} SET ${quote(name)} = 'y', id = -id WHERE id = ${1 + (at % 20)}`,
      ]),
    ddl: NAMES.map((name) => `ALTER TABLE ${quote(name)} ADD "one more 😀" text DEFAULT 'x'`),
    first: NAMES.map((name) => `ALTER TABLE ${quote(name)} ADD meanwhile text`),
    ends: { as: 'recopied', warns: 'undecided_column' },
  },
  {
    name: 'a column renamed to a name that SQL would take for something else',
    ddl: [`ALTER TABLE person RENAME note TO "no""te; --"`],
    ends: {
      as: 'recopied',
      warns: 'column_renamed',
      equals: { person: { columns: { id: 'keep', ssn: 'hash', 'no"te; --': 'keep' } } },
    },
  },
  {
    name: 'a column with the name of the twin’s own key halts the table, until it has another one',
    ddl: ['ALTER TABLE person ADD source_primary_key text'],
    ends: {
      as: 'halted',
      code: 'reserved_column',
      fix: { sql: ['ALTER TABLE person DROP source_primary_key'] },
    },
  },
  {
    name: 'a table made anew is not the one of the same name in another schema',
    ...inTwoSchemas,
    ddl: [`DROP TABLE person; ${PERSON}`],
    concerns: ['person'],
    ends: { as: 'recopied' },
  },
  {
    name: 'a table that moves to where one of its name was dropped halts that name',
    ...inTwoSchemas,
    ddl: ['DROP TABLE person; ALTER TABLE $schema_away.person SET SCHEMA $schema'],
    concerns: ['person'],
    ends: { as: 'halted', code: 'names_moved' },
  },
  {
    name: 'two schemas that swap names halt the tables in both, until they swap back',
    ...inTwoSchemas,
    ddl: [SWAP_SCHEMAS],
    ends: { as: 'halted', code: 'names_moved', fix: { sql: [SWAP_SCHEMAS] } },
  },
  {
    name: 'a temporary table of the same name is another table',
    ddl: ['CREATE TEMPORARY TABLE person (id integer, note text) ON COMMIT DROP; INSERT INTO person VALUES (1, $$x$$)'],
    ends: { as: 'unchanged' },
  },
];
