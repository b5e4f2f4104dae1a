// Sinks in memory of which one fails, a WAL, and slots that only say where they stand.
import assert from 'node:assert/strict';
import type { RawBatch } from '../../../../src/core/batch.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import type { Lsn } from '../../../../src/core/lsn.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import type { Slots } from '../../../../src/core/slots.ts';
import { runPipeline } from '../../../../src/pipeline/pipeline.ts';
import { until } from '../../../support/wait.ts';
import { batchAt, MemorySink, PassingRedactor, positionAt, ScriptedSource } from '../parts.ts';

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

/** Sinks a, b and c, of which c is the one that fails. */
export function trial(patience = 0) {
  const wal = new Wal();
  const sinks = new Map(['a', 'b', 'c'].map((name) => [name, new MemorySink()]));
  for (const sink of sinks.values()) sink.durable = positionAt(1n);
  const [source, redactor] = [new WalSource(wal), new PassingRedactor()];
  const own: WalSource[] = [];
  const ownRedactors: PassingRedactor[] = [];
  const slots = new MemorySlots(source);
  const seen: Observation[] = [];
  const apart = {
    slots,
    patience: () => patience,
    mayDetach: () => false,
    parts: () => {
      own.push(new WalSource(wal));
      ownRedactors.push(new PassingRedactor());
      return { source: own.at(-1)!, redactor: ownRedactors.at(-1)!, memory: 1000 };
    },
  };
  const parts = { source, sinks, redactor, observe: (one: Observation) => void seen.push(one), memory: 1000, apart };
  const states = () => seen.flatMap((one) => (one.type === 'sink' && one.sink === 'c' ? one.state : []));
  const c = sinks.get('c')!;
  /** While it runs: all hold the first transaction, and c is away for the second. */
  const park = async () => {
    wal.commit(10n);
    await until(async () => source.acked.at(-1) === 10n, { what: 'all to hold the first' });
    const door = keepAway(c);
    wal.commit(20n);
    await until(async () => states().includes('parked'), { what: 'c to be parked' });
    return door;
  };
  return { wal, sinks, source, redactor, slots, own, ownRedactors, parts, seen, states, park, c };
}

/** While `isAway` the sink neither opens nor writes, but fails with `error`. */
export function keepAway(sink: MemorySink, error = new PgveilError('twin_away', 'gone')) {
  const door = { isAway: true, error };
  const refuse = () => {
    if (door.isAway) throw door.error;
  };
  const open = sink.open.bind(sink);
  sink.open = async () => {
    refuse();
    return await open();
  };
  sink.beforeWrite = refuse;
  return door;
}

export async function running(parts: Parameters<typeof runPipeline>[0], work: () => Promise<void>) {
  const stop = new AbortController();
  const run = runPipeline(parts, { caughtUp: false, patienceMs: null }, stop.signal);
  try {
    await Promise.race([work(), run.then(() => assert.fail('the pipeline ended'))]);
  } finally {
    stop.abort();
    await run;
  }
}

export const clsnsOf = (sink: MemorySink) =>
  sink.written.flatMap(({ changes }) => changes.map(({ transaction }) => transaction.clsn));
