import type { CopyStep, Observation } from '../../core/observer.ts';
import { fixOf, isOfCopy, meansOf } from '../known-errors.ts';

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
  /** Since this process began: what every sink was given, copies aside. */
  changes: number;
  /** Why it is in this state, where that needs saying. */
  reason?: string;
  /** While it is copied, or its copy is due. */
  progress?: CopyProgress;
  /** Copies that came to nothing since it streamed last, if any did. */
  restarts?: number;
  /** Where it is not the same in all sinks: its state in each, by name. */
  sinks?: Readonly<Record<string, TableStatus['state']>>;
  warnings: Notice[];
  halt?: Notice;
}

/** How far a copy is, up to the moment that it takes the place of the one before. */
export interface CopyProgress {
  /** What was done last. */
  readonly step: CopyStep;
  readonly rows: number;
  /** By what was read so far; null before. */
  readonly estimated_rows: number | null;
  /** On the source: what was read, and what there is. */
  readonly bytes: number;
  readonly total_bytes: number;
  /** What it is expected to take on the sinks beside the content before, where there is any. */
  readonly room_bytes?: number;
}

type Seen<T extends Observation['type']> = Extract<Observation, { readonly type: T }>;

const NOTHING_YET: CopyProgress = { step: 'due', rows: 0, estimated_rows: null, bytes: 0, total_bytes: 0 };

/** What is known of one table, told by observations. */
export class TableWatch {
  #state: TableStatus['state'] = 'waiting';
  #generation = 0;
  #rows: number | null = null;
  #changes = 0;
  #reason: string | undefined;
  #progress: CopyProgress | undefined;
  #restarts = 0;
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
    // Sinks tell late what became of the generation before.
    if (seen.generation > this.#generation) this.#begin(seen.generation);
    this.#state = stateOf(seen.state);
    // Why it is copied anew is worth knowing until it is.
    this.#reason = seen.reason ?? (this.#state === 'waiting' ? this.#reason : undefined);
    this.#halt = this.#state === 'halted' ? this.#haltOf(seen) : undefined;
    if (this.#state === 'streaming' || this.#state === 'halted') this.#progress = undefined;
    if (this.#state === 'streaming') this.#settle();
  }

  /** A copy begins, and it is not yet this table's turn. */
  due(totalBytes: number): void {
    this.#progress = { ...this.#soFar, total_bytes: totalBytes };
  }

  step({ step }: Seen<'copy step'>): void {
    if (step === 'dropped') this.#restarts++;
    this.#progress = step === 'dropped' ? undefined : { ...(step === 'due' ? NOTHING_YET : this.#soFar), step };
  }

  room({ bytes }: Seen<'room'>): void {
    this.#progress = { ...this.#soFar, room_bytes: bytes };
  }

  copy({ rows, bytes, totalBytes }: Seen<'copy'>): void {
    this.#state = 'copying';
    this.#halt = undefined;
    this.#rows = rows;
    const estimated_rows = bytes > 0 ? Math.round((rows * totalBytes) / bytes) : null;
    this.#progress = { ...this.#soFar, rows, estimated_rows, bytes, total_bytes: totalBytes };
  }

  get #soFar(): CopyProgress {
    return this.#progress ?? NOTHING_YET;
  }

  changes({ rows }: Seen<'changes'>): void {
    this.#changes += rows;
  }

  /** What was copied so far is void. `reason`: why it is to be copied anew, where that is known. */
  interrupt(reason: string | undefined): void {
    this.#reason = reason ?? this.#reason;
    this.#progress = undefined;
    if (this.#state === 'copying') this.#state = 'waiting';
  }

  warning({ code, message, fix }: Seen<'warning'>): void {
    this.#warnings.set(`${code} ${message}`, { code, message, fix });
    if (this.#halt?.code === code) this.#halt = { code, message, fix };
  }

  withheld({ column, cells }: Seen<'withheld'>): void {
    this.#withheld.set(column, (this.#withheld.get(column) ?? 0) + cells);
  }

  status(): TableStatus {
    const warnings = [...this.#warnings.values()].filter(({ code }) => code !== this.#halt?.code);
    return {
      state: this.#state,
      generation: this.#generation,
      rows: this.#rows,
      changes: this.#changes,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(this.#progress ? { progress: this.#progress } : {}),
      ...(this.#restarts > 0 ? { restarts: this.#restarts } : {}),
      warnings: [...warnings, ...[...this.#withheld].map(withheldNotice)],
      ...(this.#halt ? { halt: this.#halt } : {}),
    };
  }

  /** Those who find a reason to halt say most of it; the checkpoint's entry, which is told as well, has the code alone. */
  #haltOf({ code, state, reason, fix }: Seen<'table'>): Notice {
    const why = code ?? state;
    const told = [this.#halt, ...this.#warnings.values()].find((notice) => notice?.code === why);
    return { code: why, message: reason ?? told?.message ?? meansOf(why), fix: fix ?? told?.fix ?? fixOf(why) };
  }

  /** What was said of one generation does not hold for the next; what the copy before came to nothing by is why there is a next. */
  #begin(generation: number): void {
    this.#generation = generation;
    this.#forget((code) => !isOfCopy(code));
    this.#withheld.clear();
  }

  /** A copy came to its end. */
  #settle(): void {
    this.#restarts = 0;
    this.#forget(isOfCopy);
  }

  #forget(isOver: (code: string) => boolean): void {
    for (const [key, { code }] of this.#warnings) if (isOver(code)) this.#warnings.delete(key);
  }
}

/** What is stale or absent waits for its copy. */
function stateOf(state: Seen<'table'>['state']): TableStatus['state'] {
  return state === 'stale' || state === 'absent' ? 'waiting' : state;
}

function withheldNotice([column, cells]: readonly [string, number]): Notice {
  const message = `${cells} ${cells === 1 ? 'value' : 'values'} of column ${column} could not be rewritten and arrived as NULL`;
  return { code: 'withheld', message, fix: fixOf('withheld') };
}
