import { PERSON, person, type Row, ssn } from '../../support/schema/row.ts';

const ANOTHER = `CREATE TABLE another (id integer PRIMARY KEY, note text, ssn text);
  INSERT INTO another SELECT i, 'another', '${ssn.value}' FROM generate_series(1, 50) i`;

const twoTables = { setup: `${PERSON}; ${ANOTHER}`, tables: { person, another: person } } as const;

const SWAP = 'ALTER TABLE person RENAME TO x; ALTER TABLE another RENAME TO person; ALTER TABLE x RENAME TO another';

/** What a table is called, where it is and how it lies there (S-06, S-13, T-08). */
export const TABLES: readonly Row[] = [
  {
    name: 'a table renamed is missing, until it is renamed back',
    ddl: ['ALTER TABLE person RENAME TO people'],
    ends: {
      as: 'halted',
      code: 'table_missing',
      fix: { sql: [`UPDATE people SET note = 'unseen'; ALTER TABLE people RENAME TO person`] },
    },
  },
  {
    name: 'a table moved to another schema is missing, until it is moved back',
    ddl: ['CREATE SCHEMA $schema_away; ALTER TABLE person SET SCHEMA $schema_away'],
    ends: {
      as: 'halted',
      code: 'table_missing',
      fix: {
        sql: [`UPDATE $schema_away.person SET note = 'unseen'; ALTER TABLE $schema_away.person SET SCHEMA $schema`],
      },
    },
  },
  {
    name: 'a table whose schema is renamed is missing, until that is renamed back',
    ddl: ['ALTER SCHEMA $schema RENAME TO $schema_away'],
    ends: { as: 'halted', code: 'table_missing', fix: { sql: ['ALTER SCHEMA $schema_away RENAME TO $schema'] } },
  },
  {
    name: 'a table dropped is missing, until there is another one',
    ddl: ['DROP TABLE person'],
    ends: { as: 'halted', code: 'table_missing', fix: { sql: [PERSON] } },
  },
  {
    name: 'a table that gives way to a view halts, until it is a table again',
    ddl: ['ALTER TABLE person RENAME TO people; CREATE VIEW person AS SELECT * FROM people'],
    ends: {
      as: 'halted',
      code: 'table_unfit',
      fix: { sql: ['DROP VIEW person; ALTER TABLE people RENAME TO person'] },
    },
  },
  {
    name: 'a table renamed and renamed back in one transaction is the same',
    ddl: ['ALTER TABLE person RENAME TO x; ALTER TABLE x RENAME TO person'],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a table renamed, written to and renamed back in one transaction: its rows came under another name',
    ddl: [`ALTER TABLE person RENAME TO x; UPDATE x SET note = 'under another name'; ALTER TABLE x RENAME TO person`],
    ends: { as: 'recopied', says: /it had another name/ },
  },
  {
    name: 'a table moved away and back in one transaction is the same',
    ddl: [
      'CREATE SCHEMA $schema_away; ALTER TABLE person SET SCHEMA $schema_away; ALTER TABLE $schema_away.person SET SCHEMA $schema',
    ],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a table dropped and made anew is taken in by name',
    ddl: [`DROP TABLE person; ${ANOTHER}; ALTER TABLE another RENAME TO person`],
    ends: { as: 'recopied', says: /another table stands under its name/ },
  },
  {
    name: 'another table under the name, and the old one beside it, is taken in by name',
    setup: `${PERSON}; ${ANOTHER}`,
    ddl: ['ALTER TABLE person RENAME TO old; ALTER TABLE another RENAME TO person'],
    ends: { as: 'recopied', says: /another table stands under its name/ },
  },
  {
    name: 'two tables that swap names both halt, until they swap back',
    ...twoTables,
    ddl: [SWAP],
    ends: { as: 'halted', code: 'names_moved', fix: { sql: [SWAP] } },
  },
  {
    name: 'a table that takes the name of one that is dropped halts that name',
    ...twoTables,
    ddl: ['DROP TABLE another; ALTER TABLE person RENAME TO another'],
    concerns: ['another'],
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: { sql: [`ALTER TABLE another RENAME TO person; ${ANOTHER}`] },
    },
  },
  {
    name: 'indexes, grants, comments, triggers and checks are no change of the table',
    ddl: [
      'ANALYZE person',
      'CLUSTER person USING person_pkey',
      'CREATE INDEX ON person (note)',
      'REINDEX TABLE person',
      `COMMENT ON TABLE person IS 'people'`,
      'GRANT SELECT ON person TO PUBLIC',
      'ALTER TABLE person OWNER TO pg_database_owner',
      'ALTER TABLE person SET (fillfactor = 50)',
      'CREATE TABLE child () INHERITS (person)',
    ],
    ends: { as: 'unchanged' },
  },
  {
    name: 'VACUUM FULL moves every row, and changes none',
    ddl: ['VACUUM FULL person'],
    outside: true,
    ends: { as: 'unchanged' },
  },
  {
    name: 'VACUUM FULL of a table without TOAST moves every row, and changes none',
    setup: `CREATE TABLE person (id integer PRIMARY KEY, ssn varchar(60)); INSERT INTO person SELECT i, '${ssn.value}' FROM generate_series(1, 100) i`,
    tables: { person: { columns: { id: 'keep', ssn: 'hash' } } },
    ddl: ['VACUUM FULL person'],
    outside: true,
    ends: { as: 'unchanged' },
  },
  {
    name: 'an index built beside the traffic is no change',
    ddl: ['CREATE INDEX CONCURRENTLY person_note ON person (note)', 'REINDEX INDEX CONCURRENTLY person_note'],
    outside: true,
    ends: { as: 'unchanged' },
  },
  {
    name: 'a table in another tablespace is the same',
    ddl: [
      'SET allow_in_place_tablespaces = on',
      `CREATE TABLESPACE $publication_$schema LOCATION ''`,
      'ALTER TABLE person SET TABLESPACE $publication_$schema',
      'ALTER TABLE person SET TABLESPACE pg_default',
      'DROP TABLESPACE $publication_$schema',
    ],
    outside: true,
    ends: { as: 'unchanged' },
  },
];
