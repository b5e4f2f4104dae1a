// What the tests of `acceptSink` stand on.
import type { RedactedBatch } from '../../src/core/batch.ts';
import type { Sink } from '../../src/core/sink.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { copyOf, positionAt, type Row, sketchTable, writeCopy } from '../support/batches.ts';

/** The rows that the sink's readers see, in any order, without the key that pgveil adds. */
export type Read = (pipeline: string, table: RedactedTable) => Promise<Row[]>;

/** A new instance over the same target, for the pipeline of that name. */
export type MakeSink = (pipeline: string) => Sink;

export const signal = new AbortController().signal;
let trials = 0;

/** One test's pipeline and table: nothing is shared with another test's. */
export class Trial implements AsyncDisposable {
  readonly pipeline = `trial_${++trials}`;
  readonly table: RedactedTable;
  readonly #make: MakeSink;
  readonly #read: Read;
  readonly #sinks: Sink[] = [];

  constructor(make: MakeSink, read: Read, identity: RedactedTable['identity'] = 'default') {
    this.#make = make;
    this.#read = read;
    this.table = sketchTable({
      relation: this.pipeline,
      oid: 20000 + trials,
      columns: { id: 'bigint', name: 'text', note: 'text' },
      key: ['id'],
      identity,
    });
  }

  sink(): Sink {
    const sink = this.#make(this.pipeline);
    this.#sinks.push(sink);
    return sink;
  }

  async open(): Promise<Sink> {
    const sink = this.sink();
    await sink.open(signal);
    return sink;
  }

  /** A sink whose first copy, of these rows, is durable at position 0x100. */
  async copied(rows: readonly Row[]): Promise<Sink> {
    const sink = await this.open();
    await writeCopy(sink, copyOf(this.table, rows));
    await sink.flush(positionAt(0x100n));
    await sink.settled(this.table.name);
    return sink;
  }

  async rows(): Promise<Row[]> {
    const rows = await this.#read(this.pipeline, this.table);
    return rows.toSorted((a, b) => Number(a[0]) - Number(b[0]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sink of this.#sinks) await sink.close();
  }
}

/** Writes the batches, and flushes at each position. */
export async function apply(sink: Sink, ...batches: RedactedBatch[]): Promise<void> {
  for (const one of batches) {
    await sink.write(one);
    if (one.position) await sink.flush(one.position);
  }
}
