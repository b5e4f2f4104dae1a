import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { forMajors } from '../support/postgres/majors.ts';
import { createDatabase } from '../support/postgres/postgres.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

const MB = 1024 ** 2;
const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i`;
const tables = { 'public.t': { columns: { id: 'keep', v: 'hash' } } } as const;

/** The trial's own configuration with more of `source`. */
function withSource(trial: Trial, more: Record<string, unknown>): Record<string, unknown> {
  const configuration = trial.configuration();
  return { source: { ...(configuration.source as object), ...more } };
}

describe('the WAL guard', async () => {
  const servers = await Servers.start({ sourceSettings: { max_slot_wal_keep_size: '10GB' } });
  after(() => servers[Symbol.asyncDispose]());

  /** So many megabytes of WAL, in a database that pgveil does not read. */
  async function writeElsewhere(database: string, megabytes: number): Promise<void> {
    const sql = `SELECT pg_logical_emit_message(false, 'test', repeat('x', ${MB}))`;
    await using client = await servers.source.connect(database);
    for (let written = 0; written < megabytes; written++) await client.query(sql);
  }

  test('an idle source whose other databases write releases their WAL', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await createDatabase(servers.source, 'busy');
    const service = await trial.stream();
    await writeElsewhere('busy', 80);
    // Positions of an idle source are written every 10 s; what is no longer needed follows with the server's next running-xacts record.
    await service.reaches('its WAL released', ({ slot }) => (slot.retained_bytes ?? Infinity) < 20 * MB);
    await service.stop();
  });

  test('an alarm begins and ends once in the log and stands in the status meanwhile, with the time left', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const more = { wal_alarm: { retained: '40MB', time_left: '1s' } };
    const service = await trial.run({ configuration: withSource(trial, more) });
    await service.isReady();
    // The twin holds still, and with it the slot.
    await using blocker = await servers.twin.connect(trial.name);
    await blocker.query('BEGIN; LOCK TABLE pgveil.checkpoint');
    await trial.source.query(`UPDATE t SET v = 'waits'`);
    await writeElsewhere(trial.name, 60);
    const isRaised = (status: Awaited<ReturnType<typeof service.status>>) =>
      status.slot.alarms.some(({ code }) => code === 'wal_retained');
    await service.reaches('the alarm', isRaised);
    // At a source that rests no time runs out.
    const timeLeft = async () => {
      await writeElsewhere(trial.name, 1);
      return (await service.status()).slot.seconds_left !== null;
    };
    await until(timeLeft, { what: 'the time left', interval: 500 });
    const { slot } = await service.status();
    assert.ok(slot.rate_bytes_per_s! > 0 && slot.safe_bytes! > 9000 * MB, JSON.stringify(slot));
    assert.equal((await service.page('/ready'))!.code, 200, 'it is a warning: nothing is away');
    await blocker.query('ROLLBACK');
    await service.reaches('no alarm', (status) => !isRaised(status));
    const count = (words: RegExp) => service.process.output.match(words)?.length ?? 0;
    await until(() => count(/over: the slot/g) === 1, { what: 'the end in the log' });
    assert.equal(count(/"code":"wal_retained"/g), 2, service.lastWords());
    await service.stop();
  });
});

/** Has the twin wait with the indexes of each further generation, as if its copy took hours, until the lock is given back. */
const PINNED = `
  CREATE FUNCTION pin() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() ~ '^ALTER TABLE pgveil.*_g[2-9]" ADD CONSTRAINT' THEN PERFORM pg_advisory_lock_shared(42); END IF;
  END $$;
  CREATE EVENT TRIGGER pin ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION pin();
  SELECT pg_advisory_lock(42)`;

describe('the slot of a copy beside the stream', async () => {
  const servers = await Servers.start({ sourceSettings: { max_slot_wal_keep_size: '100MB' } });
  after(() => servers[Symbol.asyncDispose]());

  const both = { 'public.t': tables['public.t'], 'public.other': tables['public.t'] } as const;
  const setup = `${SETUP}; CREATE TABLE other (id integer PRIMARY KEY, v text); INSERT INTO other VALUES (1, 'v')`;

  /** So many megabytes of WAL that every other slot lets go of at once: what is streamed goes on. */
  async function writeBeside(trial: Trial, megabytes: number): Promise<void> {
    const sql = `SELECT pg_logical_emit_message(false, 'test', repeat('x', ${MB}))`;
    for (let written = 0; written < megabytes; written++) await trial.source.query(sql);
    const { rows } = await trial.source.query('SELECT pg_current_wal_lsn() AS lsn');
    const isFreed = async () => {
      await trial.source.query(`UPDATE other SET v = v || '.'`);
      await trial.source.query('CHECKPOINT');
      const answer = await trial.source.query(
        'SELECT FROM pg_replication_slots WHERE slot_name = $1 AND restart_lsn >= $2::pg_lsn',
        [trial.slot, rows[0].lsn],
      );
      return answer.rowCount === 1;
    };
    await until(isFreed, { what: 'the pipeline’s own slot to move on', interval: 500, timeout: 60_000 });
  }

  test('is seen with what it keeps, and alarms; the copy ends at once when the server takes it away, and says why', async () => {
    await using trial = await servers.trial(setup, both);
    const more = { wal_alarm: { retained: '40MB', time_left: '1s' } };
    const service = await trial.run({ configuration: withSource(trial, more) });
    await service.isReady();
    await trial.twin.query(PINNED);
    assert.equal((await trial.command(['recopy', 'public.t'])).code, 0);
    const isPinned = async () =>
      (await trial.twin.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).rowCount === 1;
    await until(isPinned, { what: () => `the copy to be built; ${service.lastWords()}` });
    await writeBeside(trial, 50);
    await service.reaches('the alarm about the copy', ({ slot, copy_slots: [copy] = [] }) => {
      const isAlarmed = copy?.alarms.some(({ code }) => code === 'wal_retained') ?? false;
      return isAlarmed && copy!.retained_bytes! > 50 * MB && slot.alarms.length === 0;
    });
    const [copy] = (await service.status()).copy_slots!;
    assert.match(copy!.name, /^pgveil_copy_/);
    const metrics = (await service.page('/metrics'))!.text;
    assert.match(metrics, new RegExp(`^pgveil_slot_alarm\\{slot="${copy!.name}",code="wal_retained"\\} 1$`, 'm'));
    assert.match((await trial.command(['status'])).stdout, new RegExp(`slot ${copy!.name} +reserved +copy +holds`));

    await writeBeside(trial, 50);
    await writeBeside(trial, 40);
    await service.reaches('why the copy ended', (status) =>
      status.tables['public.t']!.warnings.some(({ code }) => code === 'copy_slot_lost'),
    );
    const { warnings } = (await service.status()).tables['public.t']!;
    const { message } = warnings.find(({ code }) => code === 'copy_slot_lost')!;
    assert.match(message, /kept \d+ MB of WAL: max_slot_wal_keep_size is 100 MB/);
    const gone = (status: Awaited<ReturnType<typeof service.status>>) =>
      !status.copy_slots?.some(({ name }) => name === copy!.name);
    await service.reaches('no slot of that copy', gone);

    await trial.twin.query('SELECT pg_advisory_unlock(42)');
    await service.isReady();
    assert.ok(!service.process.output.includes('retry_in_ms'), `the pipeline stumbled: ${service.lastWords()}`);
    await trial.holdsAll(service);
    await trial.assertEqual();
    await service.stop();
  });
});

forMajors('a failover slot', { core: true, since: 17 }, (major) => {
  test('is what a start makes of a slot that was none, and a start without it takes that back', async () => {
    await using servers = await Servers.start({ source: major });
    await using trial = await servers.trial(SETUP, tables);
    const isKept = async () => {
      const sql = 'SELECT failover FROM pg_replication_slots WHERE slot_name = $1';
      return (await trial.source.query(sql, [trial.slot])).rows[0].failover;
    };
    for (const failover of [false, true, false]) {
      const service = await trial.run({ configuration: withSource(trial, { failover }) });
      await service.isReady();
      assert.equal(await isKept(), failover);
      await service.stop();
    }
    await trial.catchUp();
    assert.equal(await isKept(), false, 'where nothing is said, a slot that is there stays as it is');
    await trial.assertEqual();
  });
});
