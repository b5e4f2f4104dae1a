import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, PgveilError } from '../../../../src/core/errors.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { runPipeline } from '../../../../src/pipeline/pipeline.ts';
import { until } from '../../../support/wait.ts';
import { batchAt, type MemorySink, positionAt } from '../parts.ts';
import { clsnsOf, keepAway, running, trial } from './group.ts';

test('a sink that fails leaves alone: the others are not interrupted, and the slot waits for it until its own is made', async () => {
  const { wal, sinks, source, slots, parts, states, c } = trial();
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    slots.isFull = true;
    keepAway(c);
    wal.commit(20n);
    wal.commit(30n);
    await until(async () => sinks.get('a')!.durable?.pos === 30n && sinks.get('b')!.durable?.pos === 30n, {
      what: 'two',
    });
    await until(async () => states().includes('away'), { what: 'the sink to be missed' });
    assert.deepEqual([source.reads, source.acked.at(-1)], [[1n], 10n]);
    slots.isFull = false;
    await until(async () => source.acked.at(-1) === 30n, { what: 'the slot to move' });
    assert.deepEqual([source.reads.length, [...slots.made]], [1, ['c']]);
  });
});

test('when it is back it catches up by itself, reads with the others again, and gets nothing twice', async () => {
  const { wal, sinks, source, slots, own, parts, states, c } = trial();
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    const door = keepAway(c);
    wal.commit(20n);
    await until(async () => states().includes('parked'), { what: 'the sink to be parked' });
    wal.commit(30n);
    await until(async () => source.acked.at(-1) === 30n, { what: 'the slot to move' });
    door.isAway = false;
    await until(async () => states().at(-1) === 'live', { what: 'the sink to be back' });
    wal.commit(40n);
    await until(async () => source.acked.at(-1) === 40n, { what: 'all to hold the last' });
    await until(async () => slots.made.size === 0, { what: 'its own slot to be gone' });
  });
  assert.equal(source.reads.length, 2);
  assert.equal(own[0]!.reads.at(-1), 10n);
  for (const sink of sinks.values()) assert.deepEqual(clsnsOf(sink), [9n, 19n, 29n, 39n]);
});

test('one that is back within its patience needs no slot of its own', async () => {
  const { wal, source, slots, own, parts, states, c } = trial(3_600_000);
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    const door = keepAway(c);
    wal.commit(20n);
    await until(async () => states().includes('away'), { what: 'the sink to be missed' });
    door.isAway = false;
    await until(async () => source.acked.at(-1) === 20n, { what: 'all to hold the second' });
  });
  assert.deepEqual([own.length, slots.made.size, source.reads], [0, 0, [1n, 10n]]);
});

test('one that fails again as soon as it is back has to show by itself that it can write: the others are interrupted once', async () => {
  const { wal, sinks, source, own, parts, states, c } = trial(3_600_000);
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    let isBroken = true;
    c.beforeWrite = ({ changes }) => {
      if (isBroken && changes.length > 0) throw new PgveilError('kafka_failed', 'refused, and yet it opens');
    };
    for (let pos = 20n; own.length === 0 || own.at(-1)!.reads.length < 3; pos += 10n) {
      wal.commit(pos);
      await until(async () => sinks.get('a')!.durable?.pos === pos, { what: 'the others to hold the next' });
    }
    assert.deepEqual([source.reads.length, states().at(-1)], [2, 'parked']);
    isBroken = false;
    await until(async () => source.acked.at(-1) === wal.end, { what: 'all to hold the last' });
    await until(async () => states().at(-1) === 'live', { what: 'the sink to be back' });
  });
  for (const sink of sinks.values()) assert.deepEqual(clsnsOf(sink), clsnsOf(c));
  assert.equal(source.reads.length, 3);
});

test('one that is away from the start holds nobody up', async () => {
  const { wal, sinks, source, parts, c } = trial(3_600_000);
  const door = keepAway(c);
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => sinks.get('a')!.durable?.pos === 10n, { what: 'the others to go on' });
    assert.deepEqual(source.acked, []);
    door.isAway = false;
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold it' });
  });
});

test('a new slot waits for nobody who was away before it was made, and is never asked to move back', async () => {
  const { wal, sinks, source, slots, parts, states, c } = trial(3_600_000);
  const read = source.read.bind(source);
  let failure: ErrorCode | null = null;
  source.read = async function* (from, signal) {
    if (!from.position) yield batchAt(100n);
    for await (const batch of read({ ...from, position: from.position ?? positionAt(100n) }, signal)) {
      const code = failure;
      failure = null;
      if (code) throw new PgveilError(code, 'the session is over');
      yield batch;
    }
  };
  const fail = async (code: ErrorCode, next: Lsn) => {
    failure = code;
    wal.commit(next - 1n);
    await until(async () => failure === null, { what: 'the session to end' });
    wal.commit(next);
    await until(async () => source.acked.at(-1) === next, { what: `the slot to move to ${next}` });
  };
  await running(parts, async () => {
    wal.commit(50n);
    await until(async () => source.acked.at(-1) === 50n, { what: 'all to hold the first' });
    slots.isFull = true;
    keepAway(c);
    wal.commit(60n);
    await until(async () => states().at(-1) === 'away', { what: 'c to leave' });
    await until(async () => sinks.get('a')!.durable?.pos === 60n, { what: 'the others to go on' });
    await fail('slot_lost', 120n);
    await fail('source_away', 140n);
  });
  const behind = source.acked.slice(source.acked.findIndex((pos) => pos >= 100n));
  assert.ok(
    behind.every((pos) => pos >= 100n),
    `acknowledged ${behind}`,
  );
});

test('a run until caught up waits for a parked one, and ends in time', async () => {
  const { wal, c, parts, states } = trial();
  const door = keepAway(c);
  wal.commit(10n);
  const never = new AbortController().signal;
  const run = runPipeline(parts, { caughtUp: true, patienceMs: null }, never);
  await until(async () => states().includes('parked'), { what: 'the sink to be parked' });
  door.isAway = false;
  await run;
  assert.equal(c.durable?.pos, 10n);
  door.isAway = true;
  wal.commit(20n);
  await assert.rejects(runPipeline(parts, { caughtUp: true, patienceMs: 300 }, never), { code: 'timed_out' });
});

test('a database that is gone, or a slot that is not to be had, ends nothing for the others', async () => {
  const { wal, source, parts, states, c } = trial();
  await running(parts, async () => {
    const door = keepAway(c);
    wal.commit(10n);
    await until(async () => states().includes('parked'), { what: 'the sink to be parked' });
    const codes = ['database_missing', 'no_free_slot', 'no_free_sender'] as const;
    const { open } = c;
    let asked = 0;
    c.open = async () => {
      const code = codes[asked++];
      if (code) throw new PgveilError(code, 'not there');
      return await open();
    };
    door.isAway = false;
    await until(async () => states().at(-1) === 'live', { what: 'the sink to be back' });
    await until(async () => source.acked.at(-1) === 10n, { what: 'the slot to move' });
  });
});

/** What it says from now on until it is mended. */
function halt(sink: MemorySink, code: ErrorCode): { mend(): void } {
  const { open, beforeWrite } = sink;
  const refuse = async () => {
    throw new PgveilError(code, 'somebody has to act', { fix: 'do it' });
  };
  Object.assign(sink, { open: refuse, beforeWrite: refuse });
  return { mend: () => void Object.assign(sink, { open, beforeWrite }) };
}

const troublesOf = (seen: readonly Observation[]) =>
  seen.flatMap((one) => (one.type === 'trouble' && one.own === 'c' ? `${one.code}: ${one.fix}` : []));

for (const when of ['with the others', 'parked'] as const) {
  test(`what only a person can mend in one sink that is ${when} ends nothing for the others, and it is back when it is mended`, async () => {
    const { wal, sinks, source, parts, seen, states, c } = trial();
    await running(parts, async () => {
      const door = keepAway(c);
      door.isAway = when === 'parked';
      wal.commit(10n);
      if (door.isAway) await until(async () => states().includes('parked'), { what: 'the sink to be parked' });
      else await until(async () => c.durable?.pos === 10n, { what: 'all to hold the first' });
      door.isAway = false;
      const { mend } = halt(c, 'newer_checkpoint');
      wal.commit(20n);
      const told = () => troublesOf(seen).includes('newer_checkpoint: do it');
      await until(async () => told() && states().includes('parked'), { what: 'the halt to be told' });
      wal.commit(30n);
      await until(async () => source.acked.at(-1) === 30n, { what: 'the slot to move' });
      mend();
      await until(async () => states().at(-1) === 'live', { what: 'the sink to be back' });
      await until(async () => c.durable?.pos === 30n, { what: 'all to hold the last' });
    });
    assert.deepEqual(clsnsOf(c), clsnsOf(sinks.get('a')!));
  });
}

test('at the first start of all, and where no other sink is left, it ends the run', async () => {
  const first = trial();
  for (const sink of first.sinks.values()) sink.durable = null;
  halt(first.c, 'twin_rights');
  const never = new AbortController().signal;
  const until = { caughtUp: false, patienceMs: null };
  await assert.rejects(runPipeline(first.parts, until, never), { code: 'twin_rights', sink: 'c' });

  const second = trial();
  for (const sink of second.sinks.values()) halt(sink, 'twin_rights');
  await assert.rejects(runPipeline(second.parts, until, never), { code: 'twin_rights' });
});

test('at a later start the others go on without it', async () => {
  const { wal, source, parts, states, c } = trial();
  const { mend } = halt(c, 'twin_rights');
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'the slot to move' });
    mend();
    await until(async () => states().at(-1) === 'live', { what: 'the sink to be back' });
  });
});

test('a run until caught up brings the others there, and ends with what a person has to mend', async () => {
  const { wal, sinks, parts, c } = trial();
  halt(c, 'lake_unfit');
  wal.commit(10n);
  const run = runPipeline(parts, { caughtUp: true, patienceMs: 60_000 }, new AbortController().signal);
  await assert.rejects(run, { code: 'lake_unfit', sink: 'c' });
  assert.deepEqual([sinks.get('a')!.durable?.pos, c.durable?.pos], [10n, 1n]);
});

test('another instance that took the sink over is none of that: everything is opened again', async () => {
  const { wal, source, parts, c } = trial();
  await running(parts, async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    const { mend } = halt(c, 'fenced');
    wal.commit(20n);
    await until(async () => source.opened > 1, { what: 'another session' });
    mend();
    await until(async () => source.acked.at(-1) === 20n, { what: 'all to hold the second' });
  });
});
