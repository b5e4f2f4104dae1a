import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allMajors, chosenMajors, newestMajor } from '../support/majors.ts';
import { Servers } from '../support/servers.ts';
import type { Service, Status } from '../support/service.ts';
import type { Trial } from '../support/trial.ts';
import { until } from '../support/wait.ts';
import { CASES, type Case, type Happenings } from './happenings.ts';

// What changes on the source and of which no change tells. Each happens while pgveil looks on, and while it is down.

const COLUMNS = { id: 'keep', v: 'keep' } as const;

/** Of all happenings, by table name. */
const byTable = (happenings: Happenings) =>
  Object.entries(happenings).map(([t, happening]) => ({
    t,
    name: `${happening.schema ?? 'public'}.${t}`,
    ...happening,
  }));

async function begin(servers: Servers, { publication, happenings }: Case): Promise<Trial> {
  const all = byTable(happenings);
  const tables = Object.fromEntries(all.map(({ name }) => [name, { columns: COLUMNS }]));
  const trial = await servers.trial(all.map(({ t, setup }) => setup(t)).join(';'), tables);
  if (publication) await trial.source.query(`CREATE PUBLICATION ${trial.slot} ${publication}`);
  return trial;
}

async function happen(trial: Trial, happenings: Happenings, writes: boolean): Promise<void> {
  for (const { t, sql } of byTable(happenings)) {
    for (const statement of sql(t, trial.slot)) await trial.source.query(statement);
  }
  if (!writes) return;
  for (const { name } of byTable(happenings)) {
    await trial.source.query(`INSERT INTO ${name} VALUES (50000, '7'); UPDATE ${name} SET v = '8' WHERE id = 11`);
  }
}

/** Every table with a reason was copied anew, which the log says, the others were not; and all are equal. Returns their generations. */
async function assertSeen(trial: Trial, service: Service, happenings: Happenings): Promise<number[]> {
  const all = byTable(happenings);
  const isSeen = ({ tables }: Status) =>
    all.every(({ name, reason }) => {
      const { state, generation } = tables[name]!;
      return state === 'streaming' && (reason === null ? generation === 1 : generation > 1);
    });
  await service.reaches('all of them copied anew', isSeen, 60_000);
  const { tables } = await trial.holdsAll(service);
  await trial.assertEqual();
  return all.map(({ name }) => tables[name]!.generation);
}

const majors = process.env.PGVEIL_TEST_MAJORS ? chosenMajors() : [allMajors[0], newestMajor];

for (const source of majors) {
  describe(`what no change tells of, on Postgres ${source}`, () => {
    let servers: Servers;
    before(async () => {
      servers = await Servers.start({ source, twin: source });
    });
    after(() => servers[Symbol.asyncDispose]());

    for (const one of CASES.filter(({ since }) => since <= source)) {
      for (const [then, writes] of [
        ['', false],
        [', and then rows', true],
      ] as const) {
        test(`${one.what}: while running${then}`, async () => {
          await using trial = await begin(servers, one);
          const service = await trial.stream();
          await happen(trial, one.happenings, writes);
          await assertSeen(trial, service, one.happenings);
          for (const { reason } of byTable(one.happenings)) if (reason) assert.match(service.process.output, reason);
        });

        test(`${one.what}: while down${then}; the second start finds nothing more`, async () => {
          await using trial = await begin(servers, one);
          await (await trial.stream()).stop();
          await happen(trial, one.happenings, writes);
          const generations: number[][] = [];
          for (let start = 1; start <= 2; start++) {
            const service = await trial.run();
            generations.push(await assertSeen(trial, service, one.happenings));
            await service.stop();
          }
          assert.deepEqual(generations[1], generations[0]);
        });
      }
    }
  });
}

describe('a partitioned table', () => {
  const tables = { 'public.t': { columns: COLUMNS } };
  let servers: Servers;
  before(async () => {
    servers = await Servers.start();
  });
  after(() => servers[Symbol.asyncDispose]());

  const partitioned = (leaves: number) => `
    CREATE TABLE t (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
    DO $$ BEGIN FOR i IN 0..${leaves - 1} LOOP
      EXECUTE format('CREATE TABLE t%s PARTITION OF t FOR VALUES FROM (%s) TO (%s)', i, i * 10, i * 10 + 10);
    END LOOP; END $$;
    CREATE TABLE rest PARTITION OF t DEFAULT;
    INSERT INTO t SELECT i, i FROM generate_series(1, 19) i`;

  test('truncated whole, and killed before the catalog was looked at again, goes on at the next start', async () => {
    await using trial = await servers.trial(partitioned(1), tables);
    const service = await trial.stream();
    await trial.source.query('TRUNCATE t');
    await until(async () => (await trial.twin.query('SELECT FROM t')).rowCount === 0, { what: 'the twin to be empty' });
    await service.kill();
    const next = await trial.run();
    const status = await trial.holdsAll(next);
    assert.equal(status.tables['public.t']?.state, 'streaming');
  });

  test('truncated whole again and again, while the catalog is looked at, streams on', async () => {
    await using trial = await servers.trial(partitioned(1), tables);
    const service = await trial.stream();
    for (const end = performance.now() + 5_000; performance.now() < end; ) {
      await trial.source.query('TRUNCATE t');
      await trial.source.query('SELECT pg_sleep(0.02)');
    }
    const status = await trial.holdsAll(service);
    assert.equal(status.tables['public.t']?.state, 'streaming');
  });

  test('with a truncate in what is caught up with: run --until-caught-up tells a truncated partition from it', async () => {
    await using trial = await servers.trial(partitioned(2), tables);
    await trial.catchUp();
    await trial.source.query('TRUNCATE t');
    await trial.source.query('INSERT INTO t VALUES (1, $$a$$), (11, $$b$$)');
    await trial.catchUp();
    await trial.assertEqual();
    await trial.source.query('TRUNCATE t0');
    await trial.catchUp();
    await trial.assertEqual();
  });

  test('of a hundred partitions: its entry is written when something in it changed, and not with each position', async () => {
    await using trial = await servers.trial(partitioned(100), tables);
    const service = await trial.stream();
    const version = async () => (await trial.twin.query('SELECT xmin FROM pgveil.table_entry')).rows[0].xmin;
    const first = await version();
    for (let id = 20; id < 120; id++) await trial.source.query('INSERT INTO t VALUES ($1, $$x$$)', [id]);
    await trial.source.query('GRANT SELECT ON t, t1 TO PUBLIC; ANALYZE t1');
    await trial.holdsAll(service);
    assert.equal(await version(), first);
    await trial.source.query('ALTER TABLE t1 RENAME TO first');
    await until(async () => (await version()) !== first, { what: 'the entry with the new name' });
    assert.equal((await service.status()).tables['public.t']?.state, 'streaming');
  });
});
