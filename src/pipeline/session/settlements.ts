import type { RawBatch, RedactedBatch, TableEvent } from '../../core/batch.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Sink } from '../../core/sink.ts';
import type { RedactedTable } from '../../core/table.ts';
import type { Stage } from '../../core/tuple.ts';
import { naming } from '../naming.ts';
import type { Parts } from '../parts.ts';

type SettledEvent<S extends Stage> = Extract<TableEvent<S>, { readonly type: 'copy read' | 'copy finished' }>;

/** What sets something going in the sinks that ends beside the stream: see Sink.settled. */
export function isSettled<S extends Stage>(event: TableEvent<S>): event is SettledEvent<S> {
  return event.type === 'copy read' || event.type === 'copy finished';
}

export interface SettlementsListener {
  /** A table was copied anew. */
  healed(table: string): void;
  /** Less goes on than before. */
  changed(): void;
  /** What a sink rejected with: true where the others go on without it. */
  left(sink: string, error: unknown): Promise<boolean>;
}

/** What goes on in the sinks beside the stream: keys and indexes are built, copies take their place. */
export class Settlements {
  readonly #parts: Pick<Parts, 'source' | 'sinks' | 'observe'>;
  readonly #listener: SettlementsListener;
  #unsettled = 0;

  constructor(parts: Pick<Parts, 'source' | 'sinks' | 'observe'>, listener: SettlementsListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  get isOver(): boolean {
    return this.#unsettled === 0;
  }

  /** Counts from the moment that a batch was read: nothing is caught up before. */
  read({ events }: RawBatch): void {
    this.#unsettled += events.filter(isSettled).length;
  }

  /** No sink will ever hear of the copy of a table that halted in the redactor. */
  redacted({ events }: RawBatch, redacted: RedactedBatch): void {
    const passed = redacted.events.filter(isSettled);
    for (const event of events.filter(isSettled)) {
      const { name } = event.table;
      if (passed.some(({ type, table }) => type === event.type && table.name === name)) continue;
      if (event.type === 'copy read') this.#parts.source.settled(name, event.generation, false);
      this.#end();
    }
  }

  /** Every sink has the batch. Resolves when what it set going is over; rejects with what is no trouble of one copy. */
  async written({ events }: RedactedBatch): Promise<void> {
    await Promise.all(events.filter(isSettled).map((event) => this.#settle(event)));
  }

  /** What one copy came to nothing by is no trouble of the others. */
  refused({ name, generation }: RedactedTable, error: PgveilError): void {
    this.#parts.source.refused(name, generation, error);
  }

  async #settle({ type, table }: SettledEvent<'redacted'>): Promise<void> {
    const settled = await this.#allSettled(table);
    const { name, generation } = table;
    const { observe, source } = this.#parts;
    const step = type === 'copy read' ? 'built' : 'swapped';
    if (settled) observe({ type: 'copy step', table: name, generation, step });
    if (type === 'copy read' && settled !== null) source.settled(name, generation, settled);
    if (type === 'copy finished' && settled) {
      this.#listener.healed(name);
      observe({ type: 'table', table: name, generation, state: 'streaming' });
    }
    this.#end();
  }

  /** False where it came to nothing in one of the sinks, null where that could not go on with it and the source was told. */
  async #allSettled(table: RedactedTable): Promise<boolean | null> {
    try {
      const settled = await Promise.all([...this.#parts.sinks].map((sink) => this.#settledIn(sink, table)));
      return settled.every(Boolean);
    } catch (error) {
      if (!(error instanceof PgveilError) || error.table !== table.name) throw error;
      this.refused(table, error);
      return null;
    }
  }

  async #settledIn([name, sink]: readonly [string, Sink], table: RedactedTable): Promise<boolean> {
    try {
      return await naming(name, sink.settled(table.name));
    } catch (error) {
      if (await this.#listener.left(name, error)) return true;
      throw error;
    }
  }

  #end(): void {
    this.#unsettled--;
    this.#listener.changed();
  }
}
