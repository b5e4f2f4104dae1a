import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawBatch } from '../../../../src/core/batch.ts';
import { type ErrorCode, PgveilError } from '../../../../src/core/errors.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import type { Slots } from '../../../../src/core/slots.ts';
import { runPipeline } from '../../../../src/pipeline/pipeline.ts';
import { until } from '../../../support/wait.ts';
import { batchAt, MemorySink, PassingRedactor, positionAt, ScriptedSource } from '../parts.ts';

// Sinks in memory, of which one fails, and slots that only say where they stand.

/** All transactions that there are: whoever reads gets those behind its position, and each that comes. */
class Wal {
  readonly #positions: Lsn[] = [];
  #wake = Promise.withResolvers<void>();

  commit(pos: Lsn): void {
    this.#positions.push(pos);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  get end(): Lsn {
    return this.#positions.at(-1) ?? 0n;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<RawBatch> {
    for (let next = 0; !signal.aborted; ) {
      const pos = this.#positions[next];
      if (pos === undefined) await Promise.race([this.#wake.promise, aborted(signal)]);
      else yield { ...batchAt(pos), changes: [{ transaction: { clsn: pos - 1n } }] } as unknown as RawBatch;
      if (pos !== undefined) next++;
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

class WalSource extends ScriptedSource {
  readonly #wal: Wal;

  constructor(wal: Wal) {
    super(() => []);
    this.#wal = wal;
  }

  override async *read(from: Parameters<ScriptedSource['read']>[0], signal: AbortSignal) {
    const pos = from.position?.pos ?? null;
    this.reads.push(pos);
    if (pos !== null) yield batchAt(pos); // as every stream says where it begins
    for await (const batch of this.#wal.follow(signal)) if (pos === null || batch.position!.pos > pos) yield batch;
  }

  override async end(): Promise<Lsn> {
    return this.#wal.end;
  }
}

class MemorySlots implements Slots {
  readonly made = new Set<string>();
  isFull = false;
  readonly #main: WalSource;

  constructor(main: WalSource) {
    this.#main = main;
  }

  async stands(): Promise<Lsn | null> {
    return this.#main.acked.at(-1) ?? 0n;
  }
  nameOf(sink: string): string {
    return `own_${sink}`;
  }
  async copy(sink: string) {
    if (this.isFull) throw new PgveilError('no_free_slot', 'none is free');
    this.made.add(sink);
  }
  async drop(sink: string) {
    this.made.delete(sink);
  }
  async kept() {
    return null;
  }
}

function trial(patience = 0) {
  const wal = new Wal();
  const sinks = new Map(['a', 'b', 'c'].map((name) => [name, new MemorySink()]));
  for (const sink of sinks.values()) sink.durable = positionAt(1n);
  const [source, redactor] = [new WalSource(wal), new PassingRedactor()];
  const own: WalSource[] = [];
  const slots = new MemorySlots(source);
  const seen: Observation[] = [];
  const apart = {
    slots,
    patience: () => patience,
    mayDetach: () => false,
    parts: () => {
      own.push(new WalSource(wal));
      return { source: own.at(-1)!, redactor: new PassingRedactor(), memory: 1000 };
    },
  };
  const parts = { source, sinks, redactor, observe: (one: Observation) => void seen.push(one), memory: 1000, apart };
  const states = () => seen.flatMap((one) => (one.type === 'sink' && one.sink === 'c' ? one.state : []));
  return { wal, sinks, source, slots, own, parts, seen, states, c: sinks.get('c')! };
}

/** While `isAway()` the sink neither opens nor writes. */
function keepAway(sink: MemorySink): { isAway: boolean } {
  const door = { isAway: true };
  const refuse = () => {
    if (door.isAway) throw new PgveilError('twin_away', 'gone');
  };
  const open = sink.open.bind(sink);
  sink.open = async () => {
    refuse();
    return await open();
  };
  sink.beforeWrite = refuse;
  return door;
}

async function running(parts: Parameters<typeof runPipeline>[0], work: () => Promise<void>) {
  const stop = new AbortController();
  const run = runPipeline(parts, { caughtUp: false, patienceMs: null }, stop.signal);
  try {
    await Promise.race([work(), run.then(() => assert.fail('the pipeline ended'))]);
  } finally {
    stop.abort();
    await run;
  }
}

const clsnsOf = (sink: MemorySink) =>
  sink.written.flatMap(({ changes }) => changes.map(({ transaction }) => transaction.clsn));

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
