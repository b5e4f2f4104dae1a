import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type pg from 'pg';
import { plainTables } from '../support/trial/plain.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service, Status } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// What leaves a gap in the stream: the slot or the publication is gone for a while, and what is written meanwhile will never be sent (X-11,
//

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const NAMES = ['one', 'two'] as const;
const { tables: TABLES, setup: SETUP } = plainTables(NAMES);

/** Rows of every kind of change, which differ from those of any other number. */
async function write(trial: Trial, number: number): Promise<void> {
  for (const name of NAMES) {
    await trial.source.query(`UPDATE ${name} SET v = 'changed ' || ${number} WHERE id = 10 + ${number};
      DELETE FROM ${name} WHERE id = 30 + ${number}; INSERT INTO ${name} VALUES (100 + ${number}, 'new')`);
  }
}

/** As a person would: whoever reads from it is ended until the slot is free. */
async function dropSlot({ source, slot }: Trial): Promise<void> {
  const drop = async () => {
    await source.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1', [
      slot,
    ]);
    return await source.query('SELECT pg_drop_replication_slot($1)', [slot]).catch(() => null);
  };
  await until(drop, { what: 'the slot to be dropped', interval: 1 });
}

/** Writes WAL beyond what the server may keep for a slot, while nobody reads. */
async function loseSlot({ source, slot }: Trial): Promise<void> {
  await source.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`);
  await source.query('SELECT pg_reload_conf()');
  const isLost = async () => {
    await source.query(`SELECT pg_logical_emit_message(false, 'test', 'fills a segment'), pg_switch_wal()`);
    await source.query('CHECKPOINT');
    const { rows } = await source.query('SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1', [slot]);
    return rows[0].wal_status === 'lost';
  };
  await until(isLost, { what: 'the server to give the slot up' });
  await source.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
  await source.query('SELECT pg_reload_conf()');
}

/** What happens to slot or publication, and again when the service is down: rows are written in it and behind it. */
const GAPS: Record<string, (trial: Trial, number: number) => Promise<void>> = {
  'a slot that somebody dropped': async (trial, number) => {
    await dropSlot(trial);
    await write(trial, number);
  },
  'a slot that somebody dropped and made anew': async (trial, number) => {
    await dropSlot(trial);
    await write(trial, number);
    await trial.source.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [trial.slot]);
    await write(trial, number + 5);
  },
  'a slot that the server gave up': async (trial, number) => {
    await write(trial, number);
    await loseSlot(trial);
  },
  'a publication that somebody dropped': async (trial, number) => {
    await trial.source.query(`DROP PUBLICATION ${trial.slot}`);
    await write(trial, number);
  },
  'a publication that somebody dropped and made anew': async (trial, number) => {
    await trial.source.query(`DROP PUBLICATION ${trial.slot}`);
    await write(trial, number);
    await trial.source.query(`CREATE PUBLICATION ${trial.slot} FOR ALL TABLES`);
    await write(trial, number + 5);
  },
};

const highest = ({ tables }: Status) => Math.max(...Object.values(tables).map(({ generation }) => generation));

/** Resolves once every table streams in a generation after that. */
async function copiesAll(service: Service, after: number): Promise<void> {
  const isCopied = ({ tables }: Status) =>
    Object.values(tables).every(({ state, generation }) => state === 'streaming' && generation > after);
  await service.reaches(`every table in a generation after ${after}`, isCopied);
}

/** Log, status and metrics say why everything is copied; the transaction of `blocker` keeps the copy from beginning meanwhile. */
async function assertToldWhy(service: Service, blocker: pg.Client): Promise<void> {
  const says = ({ tables }: Status) =>
    Object.values(tables).every(({ reason }) => /slot|publication/.test(reason ?? ''));
  await service.reaches('the reason', says);
  assert.match(service.process.output, /"code":"slot_lost"/);
  const counted = /^pgveil_troubles_total\{code="slot_lost"\} [1-9]/m;
  assert.match((await service.page('/metrics'))!.text, counted);
  await blocker.query('ROLLBACK');
  await blocker.end();
}

/** What `run` says, with that word in the configuration. */
async function runHeld(trial: Trial): Promise<string> {
  const configuration = trial.configuration();
  const source = { ...(configuration.source as object), on_gap: 'halt' };
  const file = await trial.write({ ...configuration, source }, 'held.yaml');
  const { code, stdout, stderr } = await trial.pgveil(['run', '-c', file]);
  assert.equal(code, 3, stdout + stderr);
  return stdout + stderr;
}

/** What `check` says of the slot, and with which exit code. */
async function checked(trial: Trial): Promise<readonly [code: number | null, found: readonly string[]]> {
  const { code, stdout } = await trial.command(['check', '--json']);
  return [
    code,
    JSON.parse(stdout).findings.map(({ code: kind, object }: Record<string, string>) => `${kind} ${object}`),
  ];
}

for (const [what, happens] of Object.entries(GAPS)) {
  test(`${what}: everything is copied anew, while running and at a start, or held with \`on_gap: halt\``, async () => {
    await using trial = await servers.trial(SETUP, TABLES);
    const service = await trial.stream();
    service.process.kill('SIGSTOP'); // it must not be faster than whoever does this
    await happens(trial, 1);
    const blocker = await servers.source.connect(trial.name);
    await blocker.query('BEGIN; SELECT pg_current_xact_id()');
    service.process.kill('SIGCONT');
    await assertToldWhy(service, blocker);
    await copiesAll(service, 1);
    await write(trial, 2);
    const generation = highest(await trial.holdsAll(service));
    await trial.assertEqual();
    await service.stop();

    await happens(trial, 3);
    // Only the stream shows that a publication was gone for a while.
    const isSeen = what !== 'a publication that somebody dropped and made anew';
    assert.deepEqual(await checked(trial), [0, isSeen ? ['slot_lost source.slot'] : []]);
    assert.match(await runHeld(trial), /gap_held/);
    assert.equal((await trial.twin.query('SELECT FROM one WHERE id = 103')).rowCount, 0, 'something was copied');
    const again = await trial.run();
    await copiesAll(again, generation);
    await write(trial, 4);
    await trial.holdsAll(again);
    await trial.assertEqual();
  });
}

test('a table out of a publication that a person made, and later in it again: copied anew by then, the others stream meanwhile', async () => {
  const setup = `${SETUP}; CREATE PUBLICATION theirs FOR TABLE ${NAMES.join()} WITH (publish_via_partition_root = true)`;
  await using trial = await servers.trial(setup, TABLES, { publication: 'theirs' });
  const service = await trial.stream();
  await trial.source.query('ALTER PUBLICATION theirs DROP TABLE one');
  await write(trial, 1);
  const isTold = ({ tables }: Status) =>
    tables['public.one']!.warnings.some(({ code }) => code === 'publication_unfit');
  await service.reaches('what the publication lacks', isTold);
  await write(trial, 2);
  const { tables } = await trial.holdsAll(service);
  assert.deepEqual([tables['public.one']!.state, tables['public.two']!.state], ['waiting', 'streaming']);
  await trial.assertEqual({ 'public.two': TABLES['public.two']! });
  await trial.source.query('ALTER PUBLICATION theirs ADD TABLE one');
  await service.copiesAnew('public.one', 1);
  await write(trial, 3);
  const { tables: now } = await trial.holdsAll(service);
  assert.equal(now['public.two']!.generation, 1);
  await trial.assertEqual();
});

test('a publication that a person made sends partitions for a while: the whole of them waits, and no other table', async () => {
  const setup = `${SETUP}; CREATE TABLE part (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE leaf PARTITION OF part DEFAULT; INSERT INTO part VALUES (1, 'one'), (2, 'two');
    CREATE PUBLICATION theirs FOR TABLE ${NAMES.join()}, part WITH (publish_via_partition_root = true)`;
  const tables = { ...TABLES, 'public.part': { columns: { id: 'keep', v: 'keep' } } } as const;
  await using trial = await servers.trial(setup, tables, { publication: 'theirs' });
  const service = await trial.stream();
  const { tables: before } = await service.status();
  await trial.source.query('ALTER PUBLICATION theirs SET (publish_via_partition_root = false)');
  await trial.source.query('DELETE FROM part WHERE id = 1');
  await write(trial, 1);
  for (const name of NAMES) await service.copiesAnew(`public.${name}`, before[`public.${name}`]!.generation);
  await trial.holdsAll(service);
  // No row of it tells: the next look at the catalog does.
  await service.reaches('the partitioned one waits', ({ tables }) => tables['public.part']!.state === 'waiting');
  await trial.assertEqual(TABLES);
  await trial.source.query('ALTER PUBLICATION theirs SET (publish_via_partition_root = true)');
  await service.copiesAnew('public.part', before['public.part']!.generation);
  await trial.source.query(`INSERT INTO part VALUES (3, 'three')`);
  await service.isReady();
  await trial.holdsAll(service);
  await trial.assertEqual();
});
