// What changes on a source table and of which no change tells, and what looks like it and is harmless.

const plain = (name: string, type = 'text') => `
  CREATE TABLE ${name} (id integer PRIMARY KEY, v ${type});
  INSERT INTO ${name} SELECT i, i FROM generate_series(1, 20) i`;

const partitioned = (name: string) => `
  CREATE TABLE ${name} (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
  CREATE TABLE ${name}_low PARTITION OF ${name} FOR VALUES FROM (MINVALUE) TO (10);
  CREATE TABLE ${name}_high PARTITION OF ${name} FOR VALUES FROM (10) TO (100000);
  INSERT INTO ${name} SELECT i, i FROM generate_series(1, 20) i`;

/** What happens to a table, statement by statement. The table is called what its happening is called. */
export interface Happening {
  /** Where the table is; `public` if it does not say. */
  readonly schema?: string;
  readonly setup: (name: string) => string;
  readonly sql: (name: string, publication: string) => readonly string[];
  /** Why it is stale then; null where it goes on. */
  readonly reason: RegExp | null;
}

export type Happenings = Readonly<Record<string, Happening>>;

const DAILY = (t: string) => [
  `VACUUM FULL ${t}`,
  `CLUSTER ${t} USING ${t}_pkey`,
  `ANALYZE ${t}`,
  `GRANT SELECT ON ${t} TO PUBLIC`,
  `CREATE INDEX ON ${t} (v)`,
  `REINDEX TABLE ${t}`,
];

const REWRITTEN = /its values were rewritten/;

const UNLOGGED = (t: string) =>
  `ALTER TABLE ${t} SET UNLOGGED; DELETE FROM ${t} WHERE id = 1; ALTER TABLE ${t} SET LOGGED`;

/** Under a publication that names its tables. What would be seen half-way is done in one transaction. */
const NAMED: Happenings = {
  rewritten: {
    setup: plain,
    sql: (t) => [`ALTER TABLE ${t} ALTER v TYPE text USING 'again ' || v`],
    reason: REWRITTEN,
  },
  rewritten_without_toast: {
    setup: (t) => plain(t, 'integer'),
    sql: (t) => [`ALTER TABLE ${t} ALTER v TYPE integer USING v + 1`],
    reason: REWRITTEN,
  },
  rewritten_and_more: {
    setup: plain,
    sql: (t) => [
      `ALTER TABLE ${t} ALTER v TYPE text USING 'again ' || v`,
      `ALTER TABLE ${t} ALTER v SET DEFAULT 'none'`,
      `VACUUM FULL ${t}`,
      `GRANT SELECT ON ${t} TO PUBLIC`,
    ],
    reason: REWRITTEN,
  },
  rewritten_behind_a_truncate: {
    setup: plain,
    sql: (t) => [
      `BEGIN; TRUNCATE ${t}; INSERT INTO ${t} VALUES (1, 'a'); ALTER TABLE ${t} ALTER v TYPE text USING v || v; COMMIT`,
    ],
    reason: REWRITTEN,
  },
  leaf_truncated: {
    setup: partitioned,
    sql: (t) => [`TRUNCATE ${t}_low`],
    reason: /the partition leaf_truncated_low was truncated or rewritten/,
  },
  leaf_truncated_behind_the_whole: {
    setup: partitioned,
    sql: (t) => [`TRUNCATE ${t}; INSERT INTO ${t} VALUES (1, 'a'), (11, 'b')`, `TRUNCATE ${t}_low`],
    reason: /_low was truncated or rewritten/,
  },
  leaf_loaded_again: {
    setup: partitioned,
    sql: (t) => [`TRUNCATE ${t}_low`, `INSERT INTO ${t} SELECT i, 'again' FROM generate_series(1, 9) i`],
    reason: /the partition leaf_loaded_again_low was truncated or rewritten/,
  },
  leaf_rewritten: {
    setup: partitioned,
    sql: (t) => [`VACUUM FULL ${t}_high`],
    reason: /the partition leaf_rewritten_high was truncated or rewritten/,
  },
  leaf_attached: {
    setup: partitioned,
    sql: (t) => [
      `CREATE TABLE ${t}_more (LIKE ${t} INCLUDING ALL)`,
      `INSERT INTO ${t}_more VALUES (200000, 'x')`,
      `ALTER TABLE ${t} ATTACH PARTITION ${t}_more FOR VALUES FROM (100000) TO (300000)`,
    ],
    reason: /the partition leaf_attached_more is new/,
  },
  leaf_detached: {
    setup: partitioned,
    sql: (t) => [`ALTER TABLE ${t} DETACH PARTITION ${t}_low`],
    reason: /the partition leaf_detached_low is gone/,
  },
  leaf_out_and_in: {
    setup: partitioned,
    sql: (t) => [
      `BEGIN; ALTER TABLE ${t} DETACH PARTITION ${t}_low; DELETE FROM ${t}_low WHERE id = 1;
       ALTER TABLE ${t} ATTACH PARTITION ${t}_low FOR VALUES FROM (MINVALUE) TO (10); COMMIT`,
    ],
    reason: /the partition leaf_out_and_in_low was detached and attached again/,
  },
  out_and_in: {
    setup: plain,
    sql: (t, publication) => [
      `BEGIN; ALTER PUBLICATION ${publication} DROP TABLE ONLY ${t}; DELETE FROM ${t} WHERE id = 1;
       ALTER PUBLICATION ${publication} ADD TABLE ONLY ${t}; COMMIT`,
    ],
    reason: /it was taken out of its publication and put back/,
  },
  unlogged_for_a_while: {
    setup: plain,
    sql: (t, publication) => [
      `BEGIN; ALTER PUBLICATION ${publication} DROP TABLE ONLY ${t}; ${UNLOGGED(t)};
       ALTER PUBLICATION ${publication} ADD TABLE ONLY ${t}; COMMIT`,
    ],
    reason: /it was taken out of its publication and put back/,
  },
  busy: {
    setup: plain,
    sql: (t) => [
      ...DAILY(t),
      `ALTER TABLE ${t} ALTER v SET STATISTICS 7`,
      `ALTER TABLE ${t} ALTER v SET DEFAULT 'none'`,
    ],
    reason: null,
  },
  busy_without_toast: { setup: (t) => plain(t, 'integer'), sql: DAILY, reason: null },
  emptied: {
    setup: partitioned,
    sql: (t) => [`TRUNCATE ${t}`, `INSERT INTO ${t} VALUES (1, 'a'), (11, 'b')`],
    reason: null,
  },
  emptied_without_toast: {
    setup: (t) => plain(t, 'integer'),
    sql: (t) => [`TRUNCATE ${t}`, `ALTER TABLE ${t} ALTER v SET STATISTICS 7`],
    reason: null,
  },
};

/** Under a publication that does not name its tables nothing keeps them from being unlogged for a while. */
const UNNAMED: Happenings = {
  unlogged: {
    setup: plain,
    sql: (t) => [`BEGIN; ${UNLOGGED(t)}; COMMIT`],
    reason: /it may have been unlogged for a while/,
  },
  unlogged_without_toast: {
    setup: (t) => plain(t, 'integer'),
    sql: (t) => [`BEGIN; ${UNLOGGED(t)}; COMMIT`],
    reason: /it may have been unlogged for a while/,
  },
  rewritten: NAMED.rewritten!,
  leaf_truncated: NAMED.leaf_truncated!,
  busy: NAMED.busy!,
  emptied: NAMED.emptied!,
  emptied_without_toast: NAMED.emptied_without_toast!,
};

/** Of a publication itself: every table of it is concerned, and no row is lost as long as nobody writes in between. */
const anew = (what: string): Happenings => ({
  one: {
    setup: plain,
    sql: (_, publication) => [
      `BEGIN; DROP PUBLICATION ${publication}; CREATE PUBLICATION ${publication} ${what}; COMMIT`,
    ],
    reason: /its publication was changed or made anew/,
  },
  two: { setup: partitioned, sql: () => [], reason: /its publication was changed or made anew/ },
});

const IN_SCHEMA: Happenings = {
  ...UNNAMED,
  out_and_in: {
    schema: 'part',
    setup: (t) => `CREATE SCHEMA part; ${plain(`part.${t}`)}`,
    sql: (t, publication) => [
      `BEGIN; ALTER PUBLICATION ${publication} DROP TABLES IN SCHEMA part; DELETE FROM part.${t} WHERE id = 1;
       ALTER PUBLICATION ${publication} ADD TABLES IN SCHEMA part; COMMIT`,
    ],
    reason: /it was taken out of its publication and put back/,
  },
  elsewhere_for_a_while: {
    setup: plain,
    sql: (t) => [
      `CREATE SCHEMA away; BEGIN; ALTER TABLE ${t} SET SCHEMA away; DELETE FROM away.${t} WHERE id = 1;
       ALTER TABLE away.${t} SET SCHEMA public; COMMIT`,
    ],
    reason: /it was taken out of its publication and put back/,
  },
};

const VIA_ROOT = 'WITH (publish_via_partition_root = true)';

export interface Case {
  readonly what: string;
  /** What CREATE PUBLICATION says behind the name; null where pgveil makes it. */
  readonly publication: string | null;
  readonly happenings: Happenings;
  /** The first major that has such a publication. */
  readonly since: number;
}

export const CASES: readonly Case[] = [
  { what: 'a publication of ours', publication: null, happenings: NAMED, since: 14 },
  { what: 'FOR ALL TABLES', publication: `FOR ALL TABLES ${VIA_ROOT}`, happenings: UNNAMED, since: 14 },
  {
    what: 'FOR TABLES IN SCHEMA',
    publication: `FOR TABLES IN SCHEMA public, part ${VIA_ROOT}`,
    happenings: IN_SCHEMA,
    since: 15,
  },
  {
    what: 'a publication made anew',
    publication: `FOR ALL TABLES ${VIA_ROOT}`,
    happenings: anew(`FOR ALL TABLES ${VIA_ROOT}`),
    since: 14,
  },
];
