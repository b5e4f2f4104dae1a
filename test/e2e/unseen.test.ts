import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Tables } from '../support/decisions.ts';
import { allMajors, chosenMajors, newestMajor } from '../support/majors.ts';
import { Servers } from '../support/servers.ts';
import type { Service } from '../support/service.ts';
import type { Trial } from '../support/trial.ts';

// What changes on the source and of which no change tells. Each happens while pgveil looks on, and while it is down.

const plain = (name: string, type = 'text') => `
  CREATE TABLE ${name} (id integer PRIMARY KEY, v ${type});
  INSERT INTO ${name} SELECT i, i FROM generate_series(1, 20) i`;

const partitioned = (name: string) => `
  CREATE TABLE ${name} (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
  CREATE TABLE ${name}_low PARTITION OF ${name} FOR VALUES FROM (MINVALUE) TO (10);
  CREATE TABLE ${name}_high PARTITION OF ${name} FOR VALUES FROM (10) TO (100000);
  INSERT INTO ${name} SELECT i, i FROM generate_series(1, 20) i`;

/** What happens to a table, statement by statement, and why it is stale then; null where it goes on. */
interface Happening {
  readonly setup: (name: string) => string;
  readonly sql: (name: string, publication: string) => readonly string[];
  readonly reason: RegExp | null;
}

type Happenings = Readonly<Record<string, Happening>>;

const DAILY = (t: string) => [
  `VACUUM FULL ${t}`,
  `CLUSTER ${t} USING ${t}_pkey`,
  `ANALYZE ${t}`,
  `GRANT SELECT ON ${t} TO PUBLIC`,
  `CREATE INDEX ON ${t} (v)`,
  `REINDEX TABLE ${t}`,
];

const REWRITTEN = /its values were rewritten/;

/** Under a publication that names its tables. */
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
      `ALTER TABLE ${t} DETACH PARTITION ${t}_low`,
      `DELETE FROM ${t}_low WHERE id = 1`,
      `ALTER TABLE ${t} ATTACH PARTITION ${t}_low FOR VALUES FROM (MINVALUE) TO (10)`,
    ],
    reason: /the partition leaf_out_and_in_low was detached and attached again/,
  },
  out_and_in: {
    setup: plain,
    sql: (t, publication) => [
      `ALTER PUBLICATION ${publication} DROP TABLE ONLY ${t}`,
      `DELETE FROM ${t} WHERE id = 1`,
      `ALTER PUBLICATION ${publication} ADD TABLE ONLY ${t}`,
    ],
    reason: /it was taken out of its publication and put back/,
  },
  unlogged_for_a_while: {
    setup: plain,
    sql: (t, publication) => [
      `ALTER PUBLICATION ${publication} DROP TABLE ONLY ${t}`,
      `ALTER TABLE ${t} SET UNLOGGED`,
      `DELETE FROM ${t} WHERE id = 1`,
      `ALTER TABLE ${t} SET LOGGED`,
      `ALTER PUBLICATION ${publication} ADD TABLE ONLY ${t}`,
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

const UNLOGGED = (t: string) => [
  `ALTER TABLE ${t} SET UNLOGGED`,
  `DELETE FROM ${t} WHERE id = 1`,
  `ALTER TABLE ${t} SET LOGGED`,
];

/** Under a publication that does not name its tables nothing keeps them from being unlogged for a while. */
const UNNAMED: Happenings = {
  unlogged: { setup: plain, sql: UNLOGGED, reason: /it may have been unlogged for a while/ },
  unlogged_without_toast: {
    setup: (t) => plain(t, 'integer'),
    sql: UNLOGGED,
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
    sql: (_, publication) => [`DROP PUBLICATION ${publication}`, `CREATE PUBLICATION ${publication} ${what}`],
    reason: /its publication was changed or made anew/,
  },
  two: { setup: partitioned, sql: () => [], reason: /its publication was changed or made anew/ },
});

const IN_SCHEMA: Happenings = {
  ...UNNAMED,
  out_and_in: {
    setup: (t) => `CREATE SCHEMA part; ${plain(`part.${t}`)}`,
    sql: (t, publication) => [
      `ALTER PUBLICATION ${publication} DROP TABLES IN SCHEMA part`,
      `DELETE FROM part.${t} WHERE id = 1`,
      `ALTER PUBLICATION ${publication} ADD TABLES IN SCHEMA part`,
    ],
    reason: /it was taken out of its publication and put back/,
  },
};

const VIA_ROOT = 'WITH (publish_via_partition_root = true)';

/** By how the publication is made; null: by pgveil. */
const CASES: readonly { what: string; publication: string | null; happenings: Happenings; since?: number }[] = [
  { what: 'a publication of ours', publication: null, happenings: NAMED },
  { what: 'FOR ALL TABLES', publication: `FOR ALL TABLES ${VIA_ROOT}`, happenings: UNNAMED },
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
  },
];

const schemaOf = (happenings: Happenings, table: string) =>
  happenings === IN_SCHEMA && table === 'out_and_in' ? 'part' : 'public';

function tablesOf(happenings: Happenings): Tables {
  const columns = { id: 'keep', v: 'keep' } as const;
  return Object.fromEntries(Object.keys(happenings).map((t) => [`${schemaOf(happenings, t)}.${t}`, { columns }]));
}

/** Every table is stale for its reason, or streams and is equal; others are not looked at. */
async function assertSeen(trial: Trial, service: Service, happenings: Happenings): Promise<void> {
  const names = Object.keys(happenings);
  const nameOf = (t: string) => `${schemaOf(happenings, t)}.${t}`;
  const isDue = (t: string) => happenings[t]!.reason !== null;
  await service.reaches('all of them stale', ({ tables }) =>
    names.filter(isDue).every((t) => tables[nameOf(t)]?.state === 'halted'),
  );
  const { tables } = await trial.holdsAll(service);
  for (const t of names) {
    const { state, halt } = tables[nameOf(t)]!;
    const { reason } = happenings[t]!;
    assert.deepEqual([t, state, halt?.code], [t, reason ? 'halted' : 'streaming', reason ? 'stale' : undefined]);
    if (reason) assert.match(halt!.message, reason, t);
  }
  const equal = names.filter((t) => !isDue(t)).map((t) => [nameOf(t), trial.tables[nameOf(t)]!]);
  await trial.assertEqual(Object.fromEntries(equal));
}

const majors = process.env.PGVEIL_TEST_MAJORS ? chosenMajors() : [allMajors[0], newestMajor];

for (const source of majors) {
  describe(`what no change tells of, on Postgres ${source}`, () => {
    let servers: Servers;
    before(async () => {
      servers = await Servers.start({ source, twin: source });
    });
    after(() => servers[Symbol.asyncDispose]());

    for (const { what, publication, happenings, since = 14 } of CASES.filter(({ since = 14 }) => since <= source)) {
      void since;
      const begin = async () => {
        const setup = Object.entries(happenings).map(([t, happening]) => happening.setup(t));
        const trial = await servers.trial(setup.join(';'), tablesOf(happenings));
        if (publication) await trial.source.query(`CREATE PUBLICATION ${trial.slot} ${publication}`);
        return trial;
      };
      const happen = async (trial: Trial) => {
        for (const [t, { sql }] of Object.entries(happenings)) {
          for (const statement of sql(t, trial.slot)) await trial.source.query(statement);
        }
      };
      const write = async (trial: Trial) => {
        for (const t of Object.keys(happenings)) {
          const name = `${schemaOf(happenings, t)}.${t}`;
          await trial.source.query(`INSERT INTO ${name} VALUES (50000, '7'); UPDATE ${name} SET v = '8' WHERE id = 11`);
        }
      };

      for (const [then, writes] of [
        ['', false],
        [', and then rows', true],
      ] as const) {
        test(`${what}: while running${then}`, async () => {
          await using trial = await begin();
          const service = await trial.stream();
          await happen(trial);
          if (writes) await write(trial);
          await assertSeen(trial, service, happenings);
        });

        test(`${what}: while down${then}; the second start finds nothing more`, async () => {
          await using trial = await begin();
          await (await trial.stream()).stop();
          await happen(trial);
          if (writes) await write(trial);
          for (let start = 1; start <= 2; start++) {
            const service = await trial.run();
            await assertSeen(trial, service, happenings);
            await service.stop();
          }
        });
      }
    }
  });
}
