// What holds copies back, and what must not: small tables beside a large one, a twin without room, a definition that changes all the time.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Status } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

const servers = await Servers.start({ sourceSettings: { fsync: 'off' }, twinSettings: { fsync: 'off' } });
after(() => servers[Symbol.asyncDispose]());

/** Milliseconds: the machine may have much else to do. */
const PATIENCE = 240_000;

/** 68 MB of rows, which is more than a small table has. */
const BIG = `CREATE TABLE big (id integer PRIMARY KEY, v text); ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
  INSERT INTO big SELECT i, repeat('x', 8000) FROM generate_series(1, 8500) i`;
const SMALL = `CREATE TABLE small (id integer PRIMARY KEY, v text); INSERT INTO small SELECT i, 'v' || i FROM generate_series(1, 1000) i`;
const OTHER = `CREATE TABLE other (id integer PRIMARY KEY, v text); INSERT INTO other SELECT i, 'v' || i FROM generate_series(1, 100) i`;

const columns = { columns: { id: 'keep', v: 'keep' } } as const;
const wider = { columns: { id: 'keep', v: 'keep', more: 'keep' } } as const;

/** Has the twin wait with the indexes of the big table's second generation, as if they took hours, until the lock is given back. */
const PINNED = `
  CREATE FUNCTION pin() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() LIKE 'ALTER TABLE pgveil.%big\\_%\\_g2" ADD CONSTRAINT%' THEN PERFORM pg_advisory_lock_shared(42); END IF;
  END $$;
  CREATE EVENT TRIGGER pin ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION pin();
  SELECT pg_advisory_lock(42)`;

/** Plays a twin whose disk gets full in the middle of a second generation of this table: nothing but the server's answer is made up. */
const full = (table: string) => `
  CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.id > 500 THEN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END IF; RETURN NEW;
  END $$;
  CREATE FUNCTION fill_up() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE made text; BEGIN
    FOR made IN SELECT object_identity FROM pg_event_trigger_ddl_commands() WHERE object_identity ~ '${table}_\\d+_g[2-9]' LOOP
      EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.no_room()', made);
    END LOOP;
  END $$;
  CREATE EVENT TRIGGER fill_up ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION fill_up()`;

const generationsOf = async ({ twin }: Trial, table: string) => {
  const sql = `SELECT relname FROM pg_class WHERE relnamespace = 'pgveil'::regnamespace AND relkind = 'r' AND relname LIKE $1`;
  return (await twin.query(sql, [`%.${table}\\_%`])).rows.map(({ relname }) => relname.replace(/.*_/, ''));
};

const stepsOf = (output: string, table: string) =>
  output
    .split('\n')
    .filter((line) => line.includes(`"table":"public.${table}"`) && line.includes('"step"'))
    .map((line) => JSON.parse(line).step as string);

test('a small table that changes does not wait for the copy of a large one, nor does what a sink says of it touch that', async () => {
  await using trial = await servers.trial(`${BIG}; ${SMALL}; ${OTHER}`, {
    'public.big': columns,
    'public.small': columns,
    'public.other': columns,
  });
  const before = await trial.run();
  await before.isReady(PATIENCE);
  await before.stop();
  await trial.twin.query(PINNED);
  await trial.twin.query(full('other'));
  await trial.source.query(
    `ALTER TABLE big ADD more text DEFAULT 'more'; ALTER TABLE small ADD more text DEFAULT 'more'`,
  );
  trial.tables = { 'public.big': wider, 'public.small': wider, 'public.other': wider };
  const service = await trial.run();
  await service.copiesAnew('public.small', 1, PATIENCE);
  const isPinned = async () =>
    (await trial.twin.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).rowCount === 1;
  await until(isPinned, { what: () => `the large copy to be built; ${service.lastWords()}`, timeout: PATIENCE });

  await trial.source.query(`ALTER TABLE small ALTER v TYPE varchar(100); UPDATE small SET v = 'since' WHERE id < 10`);
  await service.copiesAnew('public.small', 2, PATIENCE);
  await trial.source.query(`ALTER TABLE other ADD more text; INSERT INTO other VALUES (501, 'x')`);
  await service.halts('public.other', 'twin_full');
  const { tables } = await service.status();
  assert.deepEqual([tables['public.big']!.state, tables['public.big']!.generation], ['copying', 2]);

  await trial.source.query(`UPDATE big SET v = 'since' WHERE id < 10`);
  await trial.twin.query('DROP EVENT TRIGGER fill_up; SELECT pg_advisory_unlock(42)');
  assert.equal((await trial.command(['recopy', 'public.other'])).code, 0);
  await service.isReady(PATIENCE);
  await trial.holdsAll(service, PATIENCE);
  await trial.assertEqual();
  assert.equal((await service.status()).tables['public.big']!.generation, 2, 'the large copy was begun again');
});

test('a twin without room gives back what the copy took, keeps the old content, says so, and is not filled again and again', async () => {
  await using trial = await servers.trial(`${SMALL}; ${OTHER}`, { 'public.small': columns, 'public.other': columns });
  const service = await trial.stream();
  await trial.twin.query(full('small'));
  await trial.source.query('ALTER TABLE small ADD more text');
  await service.halts('public.small', 'twin_full');
  assert.deepEqual(await generationsOf(trial, 'small'), ['g1']);
  assert.equal((await trial.twin.query('SELECT count(*)::int AS n FROM small')).rows[0].n, 1000);
  const halt = (await service.status()).tables['public.small']!.halt!;
  assert.match(halt.message, /53100/);
  assert.match(halt.fix, /room/);

  await trial.source.query(`INSERT INTO other VALUES (1000, 'still streams'); UPDATE small SET v = 'missed'`);
  await trial.holdsAll(service, PATIENCE);
  await sleep(3000); // what was tried again at once would have been by now
  const { tables } = await service.status();
  assert.equal(tables['public.other']!.generation, 1);
  assert.equal(tables['public.small']!.generation, 2, 'it was tried again');
  assert.ok(!service.process.output.includes('retry_in_ms'), `the pipeline stumbled: ${service.lastWords()}`);

  await trial.twin.query('DROP EVENT TRIGGER fill_up');
  trial.tables = { 'public.small': wider, 'public.other': columns };
  assert.equal((await trial.command(['recopy', 'public.small'])).code, 0);
  await service.copiesAnew('public.small', 2, PATIENCE);
  await trial.holdsAll(service, PATIENCE);
  await trial.assertEqual({ 'public.other': columns });
  assert.equal((await trial.twin.query(`SELECT count(*)::int AS n FROM small WHERE v = 'missed'`)).rows[0].n, 1000);
});

test('an index that the twin has no room for gives the copy’s room back as well, and the copy is tried again by itself', async () => {
  const retry = { others: { recopy: { retry: '3s' } } };
  await using trial = await servers.trial(SMALL, { 'public.small': columns }, retry);
  const service = await trial.stream();
  await trial.twin.query(`
    CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF current_query() LIKE 'ALTER TABLE pgveil.%\\_g2" ADD CONSTRAINT%' THEN RAISE 'no room' USING ERRCODE = 'disk_full'; END IF;
    END $$;
    CREATE EVENT TRIGGER no_room ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION no_room()`);
  await trial.source.query('ALTER TABLE small ADD more text');
  await service.halts('public.small', 'twin_full');
  assert.deepEqual(await generationsOf(trial, 'small'), ['g1']);
  await trial.twin.query('DROP EVENT TRIGGER no_room');
  await service.isReady(PATIENCE);
  await trial.holdsAll(service, PATIENCE);
  await trial.assertEqual();
});

test('a copy that cannot take its place halts its table and nothing else, until that is out of the way', async () => {
  await using trial = await servers.trial(`${SMALL}; ${OTHER}`, { 'public.small': columns, 'public.other': columns });
  const service = await trial.stream();
  await trial.twin.query('CREATE TABLE mine (id integer REFERENCES small); INSERT INTO mine VALUES (1)');
  await trial.source.query(`ALTER TABLE small ALTER v TYPE varchar(100)`);
  await service.halts('public.small', 'swap_blocked');
  await trial.source.query(`UPDATE small SET v = 'missed' WHERE id < 10; UPDATE other SET v = 'since'`);
  await trial.holdsAll(service, PATIENCE);
  assert.ok(!service.process.output.includes('retry_in_ms'), `the pipeline stumbled: ${service.lastWords()}`);
  const { tables } = await service.status();
  assert.deepEqual([tables['public.small']!.generation, tables['public.other']!.generation], [2, 1]);
  await until(async () => (await generationsOf(trial, 'small')).join() === 'g1', { what: 'the copy to be dropped' });
  await trial.twin.query('DROP TABLE mine');
  assert.equal((await trial.command(['recopy', 'public.small'])).code, 0);
  await service.copiesAnew('public.small', 2, PATIENCE);
  await trial.holdsAll(service, PATIENCE);
  await trial.assertEqual();
});

test('a definition that changes every second for half a minute is copied a few times, not thirty, and is right in the end', async () => {
  const tables: Tables = { 'public.small': columns, 'public.other': columns };
  await using trial = await servers.trial(`${SMALL}; ${OTHER}`, tables, { others: { recopy: { retry: '10s' } } });
  const service = await trial.stream();
  for (let at = 0; at < 30; at++) {
    await trial.source.query(
      `ALTER TABLE small ADD c${at} text DEFAULT 'c'; UPDATE small SET v = 'at ${at}' WHERE id = ${at}`,
    );
    await trial.source.query(`UPDATE other SET v = 'at ${at}'`);
    await sleep(1000);
  }
  const ended = (await service.status()).tables['public.small']!.generation;
  assert.ok(ended <= 10, `${ended - 1} copies`);
  await service.isReady(PATIENCE);
  await trial.holdsAll(service, PATIENCE);
  const { tables: now } = await service.status();
  assert.ok(now['public.small']!.generation <= ended + 1);
  assert.equal(now['public.other']!.generation, 1);
  await trial.assertEqual();
});

test('every step of a copy is one line of the log, and the status says how far it is', async () => {
  await using trial = await servers.trial(`${SMALL}`, { 'public.small': columns });
  const service = await trial.stream();
  assert.deepEqual(stepsOf(service.process.output, 'small'), ['started', 'read', 'built', 'swapped']);
  await trial.twin.query(`BEGIN; SELECT FROM small LIMIT 1`);
  await trial.source.query('ALTER TABLE small ADD more text');
  const isHandedOver = ({ tables }: Status) => tables['public.small']!.progress?.step === 'handed over';
  const { tables } = await service.reaches('a copy that waits for its swap', isHandedOver);
  const { state, reason, progress, generation } = tables['public.small']!;
  assert.deepEqual([state, generation, reason], ['copying', 2, 'column more is new']);
  assert.equal(progress!.rows, 1000);
  assert.equal(progress!.estimated_rows, 1000);
  assert.ok(progress!.room_bytes! > 8192, 'the estimate');
  await trial.twin.query('COMMIT');
  await service.isReady(PATIENCE);
  const second = ['due', 'started', 'read', 'built', 'caught up', 'handed over', 'swapped'];
  assert.deepEqual(stepsOf(service.process.output, 'small').slice(4), second);
  assert.equal((await service.status()).tables['public.small']!.progress, undefined);
});
