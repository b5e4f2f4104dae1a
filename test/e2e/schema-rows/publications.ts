import { PERSON, type Row, ssn } from '../../support/schema/row.ts';

const UNLOGGED = `ALTER TABLE person SET UNLOGGED; DELETE FROM person WHERE id = 1; ALTER TABLE person SET LOGGED`;

const OUT_AND_IN = /it was taken out of its publication and put back/;

const WITHOUT_TOAST = `CREATE TABLE person (id integer PRIMARY KEY, ssn varchar(60));
  INSERT INTO person SELECT i, '${ssn.value}' FROM generate_series(1, 100) i`;

const narrow = { person: { columns: { id: 'keep', ssn: 'hash' } } } as const;

/** Under a publication that does not name its tables nothing keeps them from being unlogged for a while. */
const UNNAMED: readonly Row[] = [
  {
    name: 'a table unlogged for a while',
    ddl: [UNLOGGED],
    ends: { as: 'recopied', says: /it may have been unlogged/ },
  },
  {
    name: 'a table without TOAST unlogged for a while',
    setup: WITHOUT_TOAST,
    tables: narrow,
    ddl: [UNLOGGED],
    ends: { as: 'recopied', says: /it may have been unlogged/ },
  },
  {
    name: 'a table unlogged halts, until it is logged again',
    ddl: ['ALTER TABLE person SET UNLOGGED'],
    ends: {
      as: 'halted',
      code: 'table_unfit',
      fix: { sql: ['DELETE FROM person WHERE id = 1; ALTER TABLE person SET LOGGED'] },
    },
  },
  {
    name: 'a table that becomes a partition of one that is not listed halts, until it is one by itself again',
    ddl: [
      `CREATE TABLE whole (LIKE person INCLUDING ALL) PARTITION BY RANGE (id);
      ALTER TABLE whole ATTACH PARTITION person FOR VALUES FROM (MINVALUE) TO (MAXVALUE)`,
    ],
    ends: { as: 'halted', code: 'table_unfit', fix: { sql: ['ALTER TABLE whole DETACH PARTITION person'] } },
  },
  { name: 'VACUUM FULL is no change', ddl: ['VACUUM FULL person'], outside: true, ends: { as: 'unchanged' } },
  {
    name: 'a table without TOAST truncated is empty, and its next rows come',
    setup: WITHOUT_TOAST,
    tables: narrow,
    ddl: ['TRUNCATE person', 'ALTER TABLE person ALTER ssn SET STATISTICS 7'],
    ends: { as: 'unchanged' },
  },
];

export const PUBLICATIONS: readonly Row[] = [
  {
    name: 'a table out of its publication and in again',
    ddl: [
      `ALTER PUBLICATION $publication DROP TABLE ONLY person; DELETE FROM person WHERE id = 1;
      ALTER PUBLICATION $publication ADD TABLE ONLY person`,
    ],
    ends: { as: 'recopied', says: OUT_AND_IN },
  },
  {
    name: 'a table out of its publication is put back',
    ddl: ['ALTER PUBLICATION $publication DROP TABLE ONLY person'],
    later: [`UPDATE person SET note = 'seen' WHERE id = 70`],
    ends: { as: 'recopied', says: /it was taken out of its publication/ },
  },
  {
    name: 'a table out of its publication, unlogged for a while, and in again',
    ddl: [
      `ALTER PUBLICATION $publication DROP TABLE ONLY person; ${UNLOGGED};
      ALTER PUBLICATION $publication ADD TABLE ONLY person`,
    ],
    ends: { as: 'recopied', says: OUT_AND_IN },
  },
  {
    name: 'a row filter in the publication hides no row',
    ddl: [
      `ALTER PUBLICATION $publication DROP TABLE ONLY person;
      ALTER PUBLICATION $publication ADD TABLE ONLY person WHERE (id < 50)`,
    ],
    later: [`UPDATE person SET note = 'seen' WHERE id = 70`],
    ends: { as: 'recopied', says: OUT_AND_IN },
    since: 15,
  },
  {
    name: 'a list of columns in the publication hides no value',
    ddl: [
      `ALTER PUBLICATION $publication DROP TABLE ONLY person;
      ALTER PUBLICATION $publication ADD TABLE ONLY person (id, note)`,
    ],
    later: [`UPDATE person SET ssn = 'seen' WHERE id = 70`],
    ends: { as: 'recopied', says: OUT_AND_IN },
    since: 15,
  },
  {
    name: 'a table without TOAST truncated is empty under a publication that names it, too',
    setup: WITHOUT_TOAST,
    tables: narrow,
    ddl: ['TRUNCATE person', 'ALTER TABLE person ALTER ssn SET STATISTICS 7'],
    ends: { as: 'unchanged' },
  },
  ...UNNAMED.map((row) => ({ ...row, pipeline: 'FOR ALL TABLES' as const })),
  ...UNNAMED.map((row) => ({ ...row, pipeline: 'FOR TABLES IN SCHEMA' as const })),
  {
    name: 'a schema out of its publication and in again',
    ddl: [
      `ALTER PUBLICATION $publication DROP TABLES IN SCHEMA $schema; DELETE FROM person WHERE id = 1;
      ALTER PUBLICATION $publication ADD TABLES IN SCHEMA $schema`,
    ],
    ends: { as: 'recopied', says: OUT_AND_IN },
    pipeline: 'FOR TABLES IN SCHEMA',
  },
  {
    name: 'a table in a schema that is not published for a while',
    ddl: [
      `CREATE SCHEMA $schema_away; ALTER TABLE person SET SCHEMA $schema_away; DELETE FROM $schema_away.person WHERE id = 1;
      ALTER TABLE $schema_away.person SET SCHEMA $schema`,
    ],
    ends: { as: 'recopied', says: OUT_AND_IN },
    pipeline: 'FOR TABLES IN SCHEMA',
  },
  {
    name: 'a publication that somebody has leave out updates sends them again',
    ddl: [`ALTER PUBLICATION $publication SET (publish = 'insert')`],
    later: [`UPDATE person SET note = 'seen' WHERE id = 70`, 'DELETE FROM person WHERE id = 71'],
    ends: { as: 'recopied', says: /its publication was changed or created again/ },
    pipeline: 'our publication changed',
  },
  {
    name: 'a publication made anew concerns every table of it',
    setup: PERSON,
    ddl: [
      `DROP PUBLICATION $publication; CREATE PUBLICATION $publication FOR ALL TABLES WITH (publish_via_partition_root = true)`,
    ],
    ends: { as: 'recopied', says: /its publication was changed or created again/ },
    pipeline: 'a publication made anew',
  },
];
