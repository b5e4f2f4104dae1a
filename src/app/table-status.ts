import type { Observation } from '../core/observer.ts';
import { fixOf, meansOf } from './known-errors.ts';

/** Something to say about a table, with what to do about it. */
export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

/** One table in /status. */
export interface TableStatus {
  state: 'waiting' | 'copying' | 'streaming' | 'halted';
  generation: number;
  /** Rows of the present copy so far; null when the copy was made by an earlier process. */
  rows: number | null;
  /** Why it is in this state, where that needs saying. */
  reason?: string;
  /** While it is copied. */
  progress?: { readonly bytes: number; readonly total_bytes: number };
  warnings: Notice[];
  halt?: Notice;
}

type Seen<T extends Observation['type']> = Extract<Observation, { readonly type: T }>;

/** What is known of one table, told by observations. */
export class TableWatch {
  #state: TableStatus['state'] = 'waiting';
  #generation = 0;
  #rows: number | null = null;
  #reason: string | undefined;
  #progress: TableStatus['progress'];
  #halt: Notice | undefined;
  /** By code and message: the same one told again changes nothing. */
  readonly #warnings = new Map<string, Notice>();
  readonly #withheld = new Map<string, number>();

  get state(): TableStatus['state'] {
    return this.#state;
  }

  get halt(): Notice | undefined {
    return this.#halt;
  }

  table(seen: Seen<'table'>): void {
    if (seen.generation !== this.#generation) this.#begin(seen.generation);
    this.#state = stateOf(seen.state);
    this.#reason = seen.reason;
    this.#halt = this.#state === 'halted' ? haltOf(seen, this.#halt) : undefined;
    if (this.#state !== 'copying') this.#progress = undefined;
  }

  copy({ rows, bytes, totalBytes }: Seen<'copy'>): void {
    this.#state = 'copying';
    this.#halt = undefined;
    this.#rows = rows;
    this.#progress = { bytes, total_bytes: totalBytes };
  }

  warning({ code, message, fix }: Seen<'warning'>): void {
    this.#warnings.set(`${code} ${message}`, { code, message, fix });
  }

  withheld({ column, cells }: Seen<'withheld'>): void {
    this.#withheld.set(column, (this.#withheld.get(column) ?? 0) + cells);
  }

  status(): TableStatus {
    return {
      state: this.#state,
      generation: this.#generation,
      rows: this.#rows,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(this.#progress ? { progress: this.#progress } : {}),
      warnings: [...this.#warnings.values(), ...[...this.#withheld].map(withheldNotice)],
      ...(this.#halt ? { halt: this.#halt } : {}),
    };
  }

  /** What was said of one generation does not hold for the next. */
  #begin(generation: number): void {
    this.#generation = generation;
    this.#warnings.clear();
    this.#withheld.clear();
  }
}

function stateOf(state: Seen<'table'>['state']): TableStatus['state'] {
  if (state === 'stale') return 'halted';
  return state === 'absent' ? 'waiting' : state;
}

/** A halt is told twice: by the part that found it, with its reason, and by the checkpoint's entry, which has the code alone. */
function haltOf(seen: Seen<'table'>, before: Notice | undefined): Notice {
  const code = seen.code ?? seen.state;
  if (before?.code === code && seen.reason === undefined) return before;
  return { code, message: seen.reason ?? meansOf(code), fix: seen.fix ?? fixOf(code) };
}

function withheldNotice([column, cells]: readonly [string, number]): Notice {
  const message = `${cells} ${cells === 1 ? 'value' : 'values'} of column ${column} could not be rewritten and arrived as NULL`;
  return { code: 'withheld', message, fix: 'Choose a rule that fits every value of the column.' };
}
