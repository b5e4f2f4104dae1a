import type { CopyStep, Observation } from '../../core/observer.ts';

type Seen<T extends Observation['type']> = Extract<Observation, { readonly type: T }>;

const WORDS: Record<CopyStep, string> = {
  due: 'copy due',
  started: 'copy started',
  read: 'copy read',
  built: 'keys and indexes of the copy built',
  'caught up': 'copy caught up with the stream',
  'handed over': 'copy handed over to the stream',
  swapped: 'copy took its place',
  dropped: 'copy dropped',
};

/** Where a table's copy began, and what was last done for it. */
interface Times {
  readonly began: number;
  readonly last: number;
}

/** One line for each step of a table's copy, with how long it took. */
export class CopyLog {
  readonly #times = new Map<string, Times>();
  /** Bytes to copy. */
  readonly #sizes = new Map<string, number>();

  due({ tables }: Seen<'copy due'>): void {
    for (const [table, bytes] of tables) this.#sizes.set(table, bytes);
  }

  /** What is logged, at `now` in milliseconds. */
  line({ table, generation, step, why }: Seen<'copy step'>, now: number): readonly [fields: object, message: string] {
    const before = step === 'due' ? undefined : this.#times.get(table);
    this.#times.set(table, { began: before?.began ?? now, last: now });
    const isOver = step === 'swapped' || step === 'dropped';
    const fields = {
      table,
      generation,
      step,
      ...(why === undefined ? {} : { why }),
      ...(step === 'started' ? { total_bytes: this.#sizes.get(table) ?? 0 } : {}),
      ...(before ? { ms: Math.round(now - before.last) } : {}),
      ...(before && isOver ? { total_ms: Math.round(now - before.began) } : {}),
    };
    if (isOver) this.#times.delete(table);
    return [fields, WORDS[step]];
  }
}
