import type { RawBatch } from '../../core/batch.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Approval } from '../../core/redactor.ts';
import { type Clerk, type Command, interrupted } from '../desk.ts';
import type { Parts } from '../parts.ts';

/** An order that is not durable yet. */
interface Open {
  readonly table: string;
  readonly receipt: PromiseWithResolvers<void>;
  /** How many batches were pushed with the one that says so; null before. */
  batches: number | null;
}

/** What people ordered while a session runs, until it is durable in every sink. */
export class OrderBook implements Clerk {
  readonly #parts: Pick<Parts, 'source' | 'redactor'>;
  readonly #durable: Map<string, number>;
  readonly #healed: (table: string) => void;
  #open: Open[] = [];
  #pushed = 0;

  /** `healed`: what halted the table does not count any more. */
  constructor(
    { source, redactor, sinks }: Pick<Parts, 'source' | 'redactor' | 'sinks'>,
    healed: (table: string) => void,
  ) {
    this.#healed = healed;
    this.#parts = { source, redactor };
    this.#durable = new Map(Array.from(sinks.keys(), (sink) => [sink, 0]));
  }

  /** See Clerk. Rejects also with what a look at the source fails with, and with `interrupted` when the session ends before. */
  async take({ recopy, approve }: Command): Promise<void> {
    for (const { table, hash } of approve) requirePresent(table, hash, await this.approval(table));
    const approved = approve.map(({ table, hash }) => this.#order(table, hash));
    await Promise.all([...approved, ...recopy.map((table) => this.#order(table, null))]);
    for (const table of [...recopy, ...approve.map(({ table }) => table)]) this.#healed(table);
  }

  /** See Clerk. */
  async approval(table: string): Promise<Approval> {
    const { source, redactor } = this.#parts;
    const definition = await source.look(table);
    const approval = definition && redactor.approval(definition);
    if (approval) return approval;
    const fix = 'Nothing: see `pgveil status` for what the table waits for.';
    throw new PgveilError('approve_refused', `${table}: no name has moved, so there is nothing to approve`, { fix });
  }

  /** The next batch of all goes to every sink. True where somebody waits until they have it. */
  pushed({ events }: RawBatch): boolean {
    this.#pushed++;
    const ordered = new Set(events.flatMap((event) => (event.type === 'ordered' ? event.name : [])));
    for (const open of this.#open) if (ordered.has(open.table)) open.batches ??= this.#pushed;
    return ordered.size > 0;
  }

  /** The sink holds the first `batches` of all. */
  durable(sink: string, batches: number): void {
    this.#durable.set(sink, batches);
    this.#answer();
  }

  /** The sink is away: when it is back it copies what the others have copied meanwhile. */
  left(sink: string): void {
    this.#durable.delete(sink);
    this.#answer();
  }

  close(): void {
    for (const { receipt } of this.#open) receipt.reject(interrupted());
    this.#open = [];
  }

  #answer(): void {
    const least = Math.min(...this.#durable.values());
    const isDurable = ({ batches }: Open) => batches !== null && batches <= least;
    for (const { receipt } of this.#open.filter(isDurable)) receipt.resolve();
    this.#open = this.#open.filter((open) => !isDurable(open));
  }

  #order(table: string, approved: string | null): Promise<void> {
    const receipt = Promise.withResolvers<void>();
    this.#open.push({ table, receipt, batches: null });
    this.#parts.source.recopy(table, approved);
    return receipt.promise;
  }
}

function requirePresent(table: string, hash: string, present: Approval): void {
  if (hash === present.hash) return;
  const message = `${table}: ${present.moved}. The definition as it stands is ${table}@${present.hash}`;
  throw new PgveilError('approve_refused', message, { fix: `pgveil approve '${table}@${present.hash}'` });
}
