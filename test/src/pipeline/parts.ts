import { once } from 'node:events';
import type { RawBatch, RedactedBatch } from '../../../src/core/batch.ts';
import { type Checkpoint, NOTHING_ORDERED, type Position, type TableEntry } from '../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Approval, Names, Opening, Redactor } from '../../../src/core/redactor.ts';
import type { Pace, Sink } from '../../../src/core/sink.ts';
import type { Source } from '../../../src/core/source.ts';
import type { Table } from '../../../src/core/table.ts';

export const positionAt = (pos: Lsn): Position => ({
  pos,
  witness: null,
  history: { systemIdentifier: '1', timeline: 1, databaseOid: 1, slot: 's' },
});

/** A batch without rows: the pipeline looks at sizes and positions alone. */
export const batchAt = (pos: Lsn | null, bytes = 1): RawBatch => ({
  events: [],
  changes: [],
  chunk: null,
  position: pos === null ? null : positionAt(pos),
  progress: { clsn: 0n, seq: 0 },
  bytes,
});

/** Yields the given batches above the position it is asked to read from, and then waits for the end. */
export class ScriptedSource implements Source {
  readonly acked: Lsn[] = [];
  readonly reads: (Lsn | null)[] = [];
  opened = 0;
  closed = 0;
  readonly #script: (read: number) => Iterable<RawBatch>;

  constructor(script: (read: number) => Iterable<RawBatch>) {
    this.#script = script;
  }

  async open() {
    this.opened++;
  }
  async *read(from: Checkpoint, signal: AbortSignal) {
    const pos = from.position?.pos ?? null;
    this.reads.push(pos);
    for (const batch of this.#script(this.reads.length)) {
      if (signal.aborted) return;
      if (pos === null || batch.position === null || batch.position.pos > pos) yield batch;
    }
    if (!signal.aborted) await once(signal, 'abort');
  }
  ack(lsn: Lsn) {
    this.acked.push(lsn);
  }
  settled() {}
  refused() {}
  recopy(_table: string, _approved: string | null) {}
  async look(): Promise<Table<'raw'> | null> {
    return null;
  }
  async copied() {
    return false;
  }
  async end() {
    return 100n;
  }
  async close() {
    this.closed++;
  }
}

/** Keeps what it is given; `write` and `flush` can be made to wait or fail. */
export class MemorySink implements Sink {
  pace: Pace = { atRest: true, bytes: 1000, ms: 100 };
  durable: Position | null = null;
  readonly written: RedactedBatch[] = [];
  readonly flushed: Lsn[] = [];
  beforeWrite: (batch: RedactedBatch) => Promise<void> | void = () => {};
  beforeFlush: () => Promise<void> | void = () => {};

  async open(): Promise<Checkpoint> {
    return { position: this.durable, tables: new Map() };
  }
  async write(batch: RedactedBatch) {
    await this.beforeWrite(batch);
    this.written.push(batch);
  }
  async flush(position: Position) {
    await this.beforeFlush();
    this.durable = position;
    this.flushed.push(position.pos);
  }
  async settled() {
    return true;
  }
  async close() {}
}

export class PassingRedactor implements Redactor {
  readonly halts: ReadonlyMap<string, string>[] = [];
  /** As of the last opening. */
  names: Names | null = null;
  /** Changed with the batch that ends there. */
  readonly binds = new Map<Lsn, Checkpoint['tables']>();
  readonly wanted = () => null;
  readonly isAsCopied = () => true;
  readonly fits = () => true;
  readonly isOrdered = () => false;
  approved: Approval | null = null;
  unbinds = 0;
  approval() {
    return this.approved;
  }
  unbind() {
    this.unbinds++;
  }
  open(entries: Checkpoint['tables'], { halts, names }: Opening = {}) {
    this.halts.push(new Map(halts));
    this.names = names ?? null;
    return entries;
  }
  redact(batch: RawBatch) {
    const entries = this.binds.get(batch.position?.pos ?? -1n) ?? new Map();
    return { ...batch, entries } as unknown as RedactedBatch;
  }
}

/** A table that streams. */
export function entryOf(changed: Partial<TableEntry> = {}): TableEntry {
  return {
    oid: 7,
    formerly: [],
    binding: { number: 1, columns: [] },
    shape: { columns: [], key: [1], identity: 'default' },
    fingerprint: null,
    plan: 'p1',
    key: 'k1',
    generation: 1,
    state: { state: 'streaming' },
    order: NOTHING_ORDERED,
    ...changed,
  };
}
