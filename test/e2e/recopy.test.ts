import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { FAULTS, type Fault, RECOPY_FAULTS } from '../../src/core/fault.ts';
import { canary } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service, Status } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

const servers = await Servers.start({ twinSettings: { wal_keep_size: '2GB' } });
after(() => servers[Symbol.asyncDispose]());

/** Must not leave, under whatever name it stands. */
const ssn = canary('a social security number');

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, 'note ' || i FROM generate_series(1, 2000) i;
  CREATE TABLE other (id integer PRIMARY KEY, v text);
  INSERT INTO other SELECT i, 'v' || i FROM generate_series(1, 100) i`;

const person = { columns: { id: 'keep', ssn: 'hash', note: 'keep' } } as const;
const other = { columns: { id: 'keep', v: 'keep' } } as const;
const tables: Tables = { 'public.person': person, 'public.other': other };

/** Changes to both tables for as long as it is wanted; a change that the DDL of the moment does not allow is left out. */
async function write(trial: Trial, until: AbortSignal): Promise<void> {
  const client = await servers.source.connect(trial.name);
  for (let at = 1; !until.aborted; at++) {
    const id = 1 + ((at * 7) % 2000);
    const person = [
      `INSERT INTO person (id, ssn) VALUES (${10_000 + at}, '${ssn.value}')`,
      `UPDATE person SET ssn = '${ssn.value} ${at}' WHERE id = ${id}`,
      `DELETE FROM person WHERE id = ${id + 3}`,
    ][at % 3]!;
    await client.query(person).catch(() => {});
    await client.query(`UPDATE other SET v = 'at ${at}' WHERE id = ${1 + (at % 100)}`);
  }
  await client.end();
}

async function underLoad(trial: Trial, work: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const writing = write(trial, stop.signal);
  try {
    await work();
  } finally {
    stop.abort();
    await writing;
  }
}

const WIDER = `ALTER TABLE person ADD more text DEFAULT 'more'`;

describe('what is not a change of the running stream leads to a copy as well', () => {
  test('a definition that changed while the service was down', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await (await trial.stream()).stop();
    await trial.source.query(
      `${WIDER}; UPDATE person SET note = 'changed' WHERE id < 100; UPDATE other SET v = 'changed'`,
    );
    await trial.catchUp();
    await trial.assertEqual();
  });

  test('a name that it had for a while when the service was down, and has no more: seen only while the rows are caught up with', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await (await trial.stream()).stop();
    await trial.source.query('ALTER TABLE person RENAME TO people');
    await trial.source.query('DELETE FROM people WHERE id < 100');
    await trial.source.query('ALTER TABLE people RENAME TO person');
    await trial.catchUp();
    await trial.assertEqual();
  });

  test('another rule, and a table more in the configuration: the others go on in their generation', async () => {
    await using trial = await servers.trial(
      `${SETUP}; CREATE TABLE more (id integer PRIMARY KEY, v text); INSERT INTO more VALUES (1, 'x')`,
      tables,
    );
    await (await trial.stream()).stop();
    await trial.source.query(`UPDATE person SET note = 'changed' WHERE id < 100; INSERT INTO more VALUES (2, 'y')`);
    const changed = {
      'public.person': { columns: { id: 'keep', ssn: 'null', note: 'keep' } },
      'public.more': other,
    } as const;
    trial.tables = { ...tables, ...changed };
    const service = await trial.stream();
    const { tables: now } = await trial.holdsAll(service);
    const generations = Object.entries(now).map(([name, { generation }]) => [name, generation]);
    assert.deepEqual(Object.fromEntries(generations), { 'public.person': 2, 'public.other': 1, 'public.more': 1 });
    await trial.source.query(`INSERT INTO more VALUES (3, 'z')`);
    await trial.holdsAll(service);
    await trial.assertEqual();
  });

  test('a crash in the first copy: what was finished stays, the rest is copied beside it', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const service = await trial.run({ fault: 'table attached' });
    await service.dies();
    await trial.source.query(`UPDATE person SET note = 'since'; UPDATE other SET v = 'since'`);
    const again = await trial.stream();
    const generations = Object.values((await trial.holdsAll(again)).tables).map(({ generation }) => generation);
    assert.deepEqual(generations.sort(), [1, 2]);
    await trial.assertEqual();
  });

  test('a slot that was lost: every table', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await (await trial.stream()).stop();
    await trial.source.query(`SELECT pg_drop_replication_slot('${trial.slot}')`);
    await trial.source.query(`UPDATE person SET note = 'unseen'; UPDATE other SET v = 'unseen'`);
    await trial.catchUp();
    await trial.assertEqual();
  });
});

describe('kill -9 during a copy beside the stream', () => {
  const AFTER_THE_FIRST: readonly Fault[] = [
    ...RECOPY_FAULTS,
    ...FAULTS.slice(FAULTS.indexOf('snapshot exported'), FAULTS.indexOf('table attached') + 1),
  ];
  for (const fault of AFTER_THE_FIRST) {
    test(`"${fault}": the next start makes it anew, or finds it done`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      await (await trial.stream()).stop();
      await trial.source.query(WIDER);
      await underLoad(trial, async () => {
        const service = await trial.run({ fault });
        await service.dies();
        const { tables: stored } = JSON.parse((await trial.command(['status', '--json'])).stdout);
        assert.equal(stored['public.person'].state, fault === 'table attached' ? 'streaming' : 'waiting');
        assert.equal(stored['public.other'].state, 'streaming');
        const again = await trial.run();
        await again.copiesAnew('public.person', 1);
        await again.stop();
      });
      await trial.catchUp();
      await trial.assertEqual();
      const { rows } = await trial.twin.query('SELECT count(*)::int AS n FROM pgveil.generation');
      assert.equal(rows[0].n, 2, 'a generation is left behind');
    });
  }
});

describe('a change of the definition in the middle of a copy beside the stream', () => {
  const NARROWER = 'ALTER TABLE person DROP note';
  const SWAP = `BEGIN; ALTER TABLE person RENAME ssn TO between; ALTER TABLE person RENAME note TO ssn;
    ALTER TABLE person RENAME between TO note; UPDATE person SET id = id + 50000; COMMIT`;

  /** Starts with a table that is due, and holds the process at that point of its copy. */
  async function heldAt(trial: Trial, fault: Fault): Promise<Service> {
    await (await trial.stream()).stop();
    await trial.source.query(`${WIDER}; UPDATE person SET note = 'changed' WHERE id < 100`);
    const service = await trial.run({ fault: `${fault}:1:SIGSTOP` });
    await service.holds();
    return service;
  }

  for (const fault of ['snapshot exported', 'copies finished', 'indexes built', 'hand-over durable'] as const) {
    test(`at "${fault}": that copy comes to nothing, and the next one has the newer definition`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await heldAt(trial, fault);
      await trial.source.query(`${NARROWER}; UPDATE person SET more = 'changed' WHERE id < 50`);
      service.process.kill('SIGCONT');
      await service.copiesAnew('public.person', 2);
      await trial.holdsAll(service);
      await trial.assertEqual();
      await trial.assertSilent([ssn], service);
    });

    test(`at "${fault}": columns that swap names halt the table, and not one value leaves`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await heldAt(trial, fault);
      await trial.source.query(SWAP);
      service.process.kill('SIGCONT');
      await service.halts('public.person', 'names_moved');
      await trial.source.query(`UPDATE other SET v = 'still here'`);
      await trial.holdsAll(service);
      await trial.assertEqual({ 'public.other': other });
      await trial.assertSilent([ssn], service);
    });
  }
});

test('`pgveil recopy` has the running process copy a table anew, one that a sink could not go on with as well', async () => {
  await using trial = await servers.trial(SETUP, tables);
  assert.equal((await trial.command(['recopy', 'public.person'])).code, 1, 'nobody runs');
  const service = await trial.stream();
  await underLoad(trial, async () => {
    assert.equal((await trial.command(['recopy', 'public.person', 'public.other'])).code, 0);
    await Promise.all(Object.keys(tables).map((table) => service.copiesAnew(table, 1)));
  });
  await trial.holdsAll(service);
  await trial.assertEqual();

  await trial.source.query(`ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
    INSERT INTO person VALUES (9000, 'x', repeat(md5('x'), 500))`);
  await trial.holdsAll(service);
  await trial.twin.query('DELETE FROM person WHERE id = 9000');
  await trial.source.query(`UPDATE person SET ssn = 'y' WHERE id = 9000`);
  await service.halts('public.person', 'row_missing');
  assert.equal((await trial.command(['recopy', 'public.person', '--json'])).code, 0);
  await service.copiesAnew('public.person', 2);
  await trial.holdsAll(service);
  await trial.assertEqual();
});

test('a table larger than `recopy.auto_below` waits for `pgveil recopy`, over a restart as well', async () => {
  await using trial = await servers.trial(SETUP, tables, { others: { recopy: { auto_below: '1kB' } } });
  await (await trial.stream()).stop();
  await trial.source.query(`ANALYZE person; ${WIDER}`);
  await trial.catchUp(3);
  const service = await trial.run();
  await service.halts('public.person', 'stale');
  const says = ({ tables: now }: Status) => now['public.person']!.halt!.fix === `pgveil recopy 'public.person'`;
  await service.reaches('the command to give', says);
  assert.equal((await trial.command(['recopy', 'public.person'])).code, 0);
  await service.copiesAnew('public.person', 1);
  await trial.holdsAll(service);
  await trial.assertEqual();
});

test('a long reader delays the new copy of its table, and nothing else', async () => {
  await using trial = await servers.trial(SETUP, tables);
  const service = await trial.stream();
  const reader = await servers.twin.connect(trial.name);
  await reader.query('BEGIN; SELECT count(*) FROM person');
  await trial.source.query(WIDER);
  const waits = () => service.process.output.includes('waits until the table is let go of');
  await until(waits, { what: 'the new copy to wait' });
  for (let at = 0; at < 5; at++) {
    await trial.source.query(
      `UPDATE other SET v = 'during ${at}'; UPDATE person SET note = 'during ${at}' WHERE id = ${at}`,
    );
    const status = await trial.holdsAll(service, 30_000); // a swap that the stream waited for would take longer
    assert.notEqual(status.tables['public.person']?.state, 'streaming');
  }
  assert.equal((await trial.twin.query(`SELECT count(*)::int AS n FROM other WHERE v = 'during 4'`)).rows[0].n, 100);
  assert.equal((await reader.query('SELECT count(*)::int AS n FROM person')).rows[0].n, 2000);
  await reader.query('COMMIT');
  await reader.end();
  await service.copiesAnew('public.person', 1);
  await trial.holdsAll(service);
  await trial.assertEqual();
});

test('after all of this no file and no log of the twin holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
