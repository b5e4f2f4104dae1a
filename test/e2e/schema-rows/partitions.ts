import { type Row, ssn } from '../../support/schema/row.ts';

const PARTITIONED = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text) PARTITION BY RANGE (id);
  CREATE TABLE person_low PARTITION OF person FOR VALUES FROM (MINVALUE) TO (50);
  CREATE TABLE person_high PARTITION OF person FOR VALUES FROM (50) TO (10000000);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, 'note ' || i FROM generate_series(1, 100) i`;

/** What happens to partitions, and is not sent under the name of the whole table. */
export const PARTITIONS: readonly Row[] = (
  [
    {
      name: 'a partition truncated',
      ddl: ['TRUNCATE person_low'],
      ends: { as: 'recopied', says: /the partition person_low was truncated or rewritten/ },
    },
    {
      name: 'a partition truncated behind the whole table',
      ddl: [`TRUNCATE person; INSERT INTO person VALUES (1, 'a', 'a'), (51, 'b', 'b')`, 'TRUNCATE person_low'],
      ends: { as: 'recopied', says: /person_low was truncated or rewritten/ },
    },
    {
      name: 'a partition truncated and filled again',
      ddl: ['TRUNCATE person_low', `INSERT INTO person SELECT i, 'x', 'again' FROM generate_series(1, 9) i`],
      ends: { as: 'recopied' },
    },
    {
      name: 'a partition under VACUUM FULL, which looks the same as one truncated',
      ddl: ['VACUUM FULL person_high'],
      outside: true,
      ends: { as: 'recopied' },
    },
    {
      name: 'a partition with rows attached',
      ddl: [
        `CREATE TABLE person_more (LIKE person INCLUDING ALL); INSERT INTO person_more VALUES (20000000, '${ssn.value}', 'x');
        ALTER TABLE person ATTACH PARTITION person_more FOR VALUES FROM (10000000) TO (30000000)`,
      ],
      ends: { as: 'recopied', says: /the partition person_more is new/ },
    },
    {
      name: 'a partition detached',
      ddl: ['ALTER TABLE person DETACH PARTITION person_low'],
      ends: { as: 'recopied', says: /the partition person_low is gone/ },
    },
    {
      name: 'a partition detached beside the traffic',
      ddl: ['ALTER TABLE person DETACH PARTITION person_low CONCURRENTLY'],
      outside: true,
      ends: { as: 'recopied' },
    },
    {
      name: 'a partition dropped',
      ddl: ['DROP TABLE person_low'],
      ends: { as: 'recopied' },
    },
    {
      name: 'a partition detached for a moment',
      ddl: [
        `ALTER TABLE person DETACH PARTITION person_low; DELETE FROM person_low WHERE id = 1;
        ALTER TABLE person ATTACH PARTITION person_low FOR VALUES FROM (MINVALUE) TO (50)`,
      ],
      ends: { as: 'recopied', says: /the partition person_low was detached and attached again/ },
    },
    {
      name: 'values rewritten in place in every partition',
      ddl: [`ALTER TABLE person ALTER note TYPE text USING 'again ' || note`],
      ends: { as: 'recopied' },
    },
    {
      name: 'the whole table truncated, and rows again',
      ddl: ['TRUNCATE person', `INSERT INTO person VALUES (1, 'a', 'a'), (51, 'b', 'b')`],
      ends: { as: 'unchanged' },
    },
    {
      name: 'a partition renamed, granted on and analyzed is the same',
      ddl: ['ALTER TABLE person_low RENAME TO low', 'GRANT SELECT ON low TO PUBLIC', 'ANALYZE person'],
      ends: { as: 'unchanged' },
    },
    {
      name: 'columns of a partitioned table that swap names halt it',
      ddl: [
        'ALTER TABLE person RENAME ssn TO x; ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME x TO note',
      ],
      ends: { as: 'halted', code: 'names_moved' },
    },
  ] satisfies Row[] as Row[]
).map((row) => ({ setup: PARTITIONED, ...row }));
