import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type pg from 'pg';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service, Status } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { spareOf } from '../support/trial/trial-configuration.ts';
import { until } from '../support/wait.ts';

// `PGVEIL_TEST_SEED=17` (or `17,18,19`): each is one random moment in every circumstance. By torture as many as it has seeds, 20.
const seeds = (process.env.PGVEIL_TEST_SEED ?? '1,2').split(',').map(Number);

const LIMIT_MS = 10_000;

const servers = await Servers.start({ sourceSettings: { fsync: 'off' } }); // a slow disk is nothing that pgveil could hasten
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE t (id integer PRIMARY KEY, v text, w text);
  INSERT INTO t SELECT i, md5(i::text), repeat('w', 200) FROM generate_series(1, 20000) i`;
const tables = { 'public.t': { columns: { id: 'keep', v: 'hash', w: 'keep' } } } as const;

interface Scene {
  readonly trial: Trial;
  readonly service: Service;
  readonly random: Random;
  readonly changes: RandomChanges;
}

/** Brings itself about; what it gives ends it, once the source is there again. */
type Circumstance = (scene: Scene) => Promise<() => Promise<unknown>>;

const nothing = async () => {};

/** Of a twin and a spare twin, which is parked as soon as it is away. */
const CIRCUMSTANCES: Readonly<Record<string, Circumstance>> = {
  'while idle': async ({ trial, service }) => {
    await trial.holdsAll(service);
    return nothing;
  },

  'under load': async ({ changes }) => {
    const writing = changes.transactions(100_000).catch(() => {}); // cut off by the stop
    return () => writing;
  },

  'while a table is copied anew': async ({ trial, service, random }) => {
    const before = (await service.status()).tables['public.t']!.generation;
    await trial.command(['recopy', 'public.t']);
    const rows = random.int(0, 20_000);
    const isUnderWay = ({ tables: { 'public.t': table } }: Status) =>
      table!.state === 'copying' ? (table!.progress?.rows ?? 0) >= rows : table!.generation > before;
    await service.reaches(`${rows} rows copied anew`, isUnderWay);
    return nothing;
  },

  'while the twin is blocked': async ({ trial, changes }) => {
    await lock(trial.twin);
    await changes.transactions(100);
    await isBlocked(trial.twin);
    return () => trial.twin.query('ROLLBACK');
  },

  'while the twin is blocked in the middle of a transaction larger than the queue': async ({ trial, random }) => {
    await lock(trial.twin);
    await trial.source.query(`UPDATE t SET w = repeat('x', $1)`, [random.int(500, 2_000)]);
    await isBlocked(trial.twin);
    return () => trial.twin.query('ROLLBACK');
  },

  'while a sink is parked': async ({ trial, service, changes, random }) => {
    await isParked(trial, service);
    await changes.transactions(random.int(1, 1_000));
    return () => trial.shutSpare(false);
  },

  'while a sink that was parked reads by itself and is blocked': async ({ trial, service, random }) => {
    await isParked(trial, service);
    await trial.source.query(`UPDATE t SET w = repeat('x', $1)`, [random.int(500, 2_000)]);
    await trial.shutSpare(false);
    const spare = await servers.twin.connect(spareOf(trial.name));
    await lock(spare);
    await isBlocked(spare);
    return () => spare.end();
  },
};

/** `pg_ctl stop -m fast` and start again. Fails when the stop took ten seconds or more. */
async function stopAndStart(): Promise<void> {
  const before = performance.now();
  await servers.source.stop('fast');
  const took = performance.now() - before;
  await servers.source.start();
  assert.ok(took < LIMIT_MS, `the source took ${Math.round(took / 1000)} s to stop`);
}

/** All that is committed reaches every sink, also what comes after the stop. */
async function goesOn(trial: Trial, service: Service): Promise<void> {
  await trial.reconnect();
  await trial.source.query(`UPDATE t SET v = 'x' WHERE id % 10 = 0`);
  await service.isReady();
  await trial.holdsAll(service);
}

describe('pg_ctl stop -m fast ends within ten seconds, and nothing is lost by it', () => {
  for (const seed of seeds) {
    test(`at moments of seed ${seed}`, async (t) => {
      const random = new Random(seed);
      const options = { memory: '16MB', workers: 1, spare: { patience: '0s' } };
      await using trial = await servers.trial(SETUP, tables, options);
      const service = await trial.stream();
      for (const [circumstance, bringAbout] of Object.entries(CIRCUMSTANCES)) {
        await t.test(circumstance, async () => {
          const changes = await RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables));
          await changes.transactions(random.int(1, 2_000));
          const end = await bringAbout({ trial, service, random, changes });
          await stopAndStart();
          await end();
          await goesOn(trial, service);
        });
      }
      await service.stop();
      await trial.assertEqual();
      await trial.assertEqual(tables, trial.spareUrl);
    });
  }

  for (const fault of ['slot created', 'snapshot exported', 'copy started', 'chunk committed'] as const) {
    test(`in the first copy (${fault}), which then begins anew`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      // Held there for the moment of asking: the stop finds it in the middle of its copy.
      const service = await trial.run({ fault: `${fault}:1:SIGSTOP` });
      await service.holds();
      const stopping = stopAndStart();
      service.process.kill('SIGCONT');
      await stopping;
      await goesOn(trial, service);
      await trial.assertEqual();
    });
  }
});

async function lock(twin: pg.Client): Promise<void> {
  await twin.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
}

/** A statement of the service waits for our lock: from there on what is read can only pile up. */
async function isBlocked(twin: pg.Client): Promise<void> {
  const waits = `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
    WHERE NOT granted AND relation IS NOT NULL AND datname = current_database()`;
  await until(async () => (await twin.query(waits)).rowCount !== 0, { what: 'the twin to be blocked' });
}

/** With a slot of its own. */
async function isParked(trial: Trial, service: Service): Promise<void> {
  await trial.shutSpare(true);
  await trial.source.query(`UPDATE t SET v = 'parked' WHERE id < 10`); // what it cannot take shows that it is away
  await service.reaches('spare parked', ({ sinks }) => sinks.spare?.slot !== undefined);
}
