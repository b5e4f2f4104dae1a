import type { Position } from '../../core/checkpoint.ts';
import { reach } from '../../core/fault.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Parts } from '../parts.ts';
import { Acks } from './acks.ts';

type Held = ReadonlyMap<string, Lsn | null>;

/** What is durable in each sink: told to the slot, and to those who look on. */
export class Durable {
  readonly #parts: Pick<Parts, 'source' | 'observe'>;
  readonly #held: Map<string, Lsn | null>;
  readonly #acks: Acks;
  /** Where reading began. */
  readonly #from: Lsn | null;
  /** As long as the first copy is not finished nobody can do anything with such a position, and none is told. */
  #untold: Map<string, Lsn> | null;
  /** A sink took a position of this session: the source and the rules are what they were, or it would have failed before. */
  #isConfirmed = false;

  /** `held`: by the sinks that are here. `holds`: by those that are not, and that the slot waits for. `from`: null where all is copied. */
  constructor(parts: Pick<Parts, 'source' | 'observe'>, held: Held, holds: Held, from: Position | null) {
    this.#parts = parts;
    this.#held = new Map(held);
    this.#acks = new Acks(0n, new Map([...holds, ...held]));
    this.#from = from?.pos ?? null;
    this.#untold = from ? null : new Map();
  }

  /** See Running. */
  get positions(): Acks['positions'] {
    return this.#acks.positions;
  }

  of(sink: string): Lsn | null {
    return this.#held.get(sink) ?? null;
  }

  /** Whether everything before `lsn` is durable in all, those included that the slot waits for. */
  reaches(lsn: Lsn): boolean {
    const { least } = this.#acks;
    return this.#isConfirmed && least !== null && least >= lsn;
  }

  /** True where that is more than reading began with. */
  note(sink: string, pos: Lsn): boolean {
    this.#isConfirmed = true;
    this.#held.set(sink, pos);
    if (this.#untold) this.#untold.set(sink, pos);
    else this.#parts.observe({ type: 'durable', sink, pos });
    this.#ack(this.#acks.durable(sink, pos));
    return this.#from === null || pos > this.#from;
  }

  /** The first copy is finished. */
  tell(): void {
    for (const [sink, pos] of this.#untold ?? []) this.#parts.observe({ type: 'durable', sink, pos });
    this.#untold = null;
  }

  hold(sink: string, pos: Lsn | null): void {
    this.#acks.hold(sink, pos);
  }

  release(sink: string): void {
    this.#ack(this.#acks.release(sink));
  }

  #ack(lsn: Lsn | null): void {
    if (lsn === null) return;
    reach('before the ack');
    this.#parts.source.ack(lsn);
    this.#parts.observe({ type: 'acked', pos: lsn });
    reach('after the ack');
  }
}
