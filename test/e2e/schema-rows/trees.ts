import { person, type Row, ssn } from '../../support/schema/row.ts';

const FILL = `INSERT INTO person SELECT i, '${ssn.value} ' || i, 'note ' || i FROM generate_series(1, 100) i`;

/** Two levels, a default partition, and a partition whose columns stand in another order. */
const TREE = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text) PARTITION BY RANGE (id);
  CREATE TABLE branch PARTITION OF person FOR VALUES FROM (MINVALUE) TO (50) PARTITION BY RANGE (id);
  CREATE TABLE leaf PARTITION OF branch FOR VALUES FROM (MINVALUE) TO (20);
  CREATE TABLE turned (gone integer, note text, ssn text, id integer NOT NULL);
  ALTER TABLE turned DROP COLUMN gone;
  ALTER TABLE branch ATTACH PARTITION turned FOR VALUES FROM (20) TO (50);
  CREATE TABLE rest PARTITION OF person DEFAULT;
  ${FILL}`;

/** Rows that go from partition to partition, and into one by its own name. */
const wanderers = (at: number) => {
  const id = 1 + ((at * 7) % 100);
  return [
    `INSERT INTO person (id) VALUES (${10_000 + at})`,
    `UPDATE person SET ssn = ssn || '.' WHERE id = ${id}`,
    `UPDATE person SET id = -id WHERE id = ${id + 1}`,
    `UPDATE person SET id = -id WHERE id = -${id + 30}`,
    `UPDATE turned SET note = 'by its own name' WHERE id = ${20 + (at % 30)}`,
    `DELETE FROM person WHERE id = ${id + 2}`,
  ];
};

const OF_A_TREE: readonly Row[] = [
  {
    name: 'a partition of a partition truncated',
    ddl: ['TRUNCATE ONLY leaf'],
    ends: { as: 'recopied', says: /the partition leaf was truncated or rewritten/ },
  },
  {
    name: 'a partition with partitions truncated',
    ddl: ['TRUNCATE branch'],
    ends: { as: 'recopied', says: /the partition (leaf|turned) was truncated or rewritten/ },
  },
  {
    name: 'a new partition, empty',
    ddl: ['CREATE TABLE fresh PARTITION OF person FOR VALUES FROM (200) TO (300)'],
    ends: { as: 'recopied', says: /the partition fresh is new/ },
  },
  {
    name: 'rows of the default partition moved to one of their own',
    ddl: [
      `CREATE TABLE fresh (LIKE person INCLUDING ALL); WITH moved AS (DELETE FROM rest WHERE id >= 5000 RETURNING *)
      INSERT INTO fresh SELECT * FROM moved; ALTER TABLE person ATTACH PARTITION fresh FOR VALUES FROM (5000) TO (MAXVALUE)`,
    ],
    ends: { as: 'recopied', says: /the partition fresh is new/ },
  },
  {
    name: 'a partition with partitions detached',
    ddl: ['ALTER TABLE person DETACH PARTITION branch'],
    ends: { as: 'recopied', says: /the partition (leaf|turned) is gone/ },
  },
  {
    name: 'a partition with partitions, full of rows, attached',
    ddl: [
      `CREATE TABLE twig (note text, id integer NOT NULL, ssn text) PARTITION BY RANGE (id);
      CREATE TABLE twig_leaf PARTITION OF twig DEFAULT; INSERT INTO twig SELECT 'x', -i, '${ssn.value}' FROM generate_series(300001, 300009) i;
      ALTER TABLE person DETACH PARTITION branch; ALTER TABLE person ATTACH PARTITION twig FOR VALUES FROM (-400000) TO (-300000)`,
    ],
    first: [`ALTER TABLE person ALTER note TYPE text USING note || '!'`],
    ends: { as: 'recopied' },
  },
  {
    name: 'the default partition dropped',
    ddl: ['DROP TABLE rest'],
    ends: { as: 'recopied', says: /the partition rest is gone/ },
  },
  {
    name: 'a partition moved to another schema and renamed is the same',
    ddl: [
      'CREATE SCHEMA $schema_away; ALTER TABLE leaf SET SCHEMA $schema_away; ALTER TABLE $schema_away.leaf RENAME TO "Leaf ""1"""',
    ],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a partition in the publication as well is sent as a part of the whole',
    ddl: ['ALTER PUBLICATION $publication ADD TABLE leaf'],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a publication that somebody has send partitions sends the whole again',
    ddl: ['ALTER PUBLICATION $publication SET (publish_via_partition_root = false)'],
    later: [`UPDATE person SET note = 'seen' WHERE id = 70`, 'DELETE FROM person WHERE id = 71'],
    ends: { as: 'recopied', says: /its publication was changed or created again/ },
    pipeline: 'our publication changed',
  },
];

/** Tables that inherit are tables of their own, listed or not. */
const FAMILY = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  CREATE TABLE child (PRIMARY KEY (id)) INHERITS (person);
  CREATE TABLE unlisted (PRIMARY KEY (id)) INHERITS (person);
  ${FILL};
  INSERT INTO child SELECT id + 200, ssn, note FROM ONLY person; INSERT INTO unlisted SELECT id + 400, ssn, note FROM ONLY person`;

const OF_A_FAMILY: readonly Row[] = [
  {
    name: 'a table truncated without those that inherit from it',
    ddl: ['TRUNCATE ONLY person'],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a table truncated together with those that inherit from it',
    ddl: ['TRUNCATE person'],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a column added to a table is one of those that inherit from it too',
    ddl: ['ALTER TABLE person ADD more text'],
    ends: { as: 'recopied', warns: 'undecided_column' },
  },
  {
    name: 'tables that come, go and no longer inherit are none of its own',
    ddl: [
      'DROP TABLE unlisted; ALTER TABLE child NO INHERIT person',
      'CREATE TABLE late () INHERITS (person); INSERT INTO late VALUES (1, $$x$$)',
    ],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a table that inherits, put into the publication, is not sent as its parent',
    ddl: ['ALTER PUBLICATION $publication ADD TABLE ONLY unlisted'],
    ends: { as: 'unchanged' },
  },
];

/** Partition trees and inheritance (T-03 to T-06). */
export const TREES: readonly Row[] = [
  ...OF_A_TREE.map((row) => ({
    setup: TREE,
    dml: wanderers,
    first: ['ALTER TABLE person ADD meanwhile integer'],
    ...row,
  })),
  ...OF_A_FAMILY.map((row) => ({
    setup: FAMILY,
    tables: { person, child: person },
    first: ['ALTER TABLE person ADD meanwhile integer'],
    ...row,
  })),
];
