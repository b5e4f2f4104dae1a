import type { Observation } from '../../core/observer.ts';
import { bar, shareCopied } from './bar.ts';
import { fit, printable } from './printable.ts';
import { formatBytes, formatCount, formatSeconds } from './quantity.ts';

/** Rates are those of the last ten seconds: long enough to be steady, short enough to show a source that slows down. */
const WINDOW_MS = 10_000;

interface Copy {
  readonly rows: number;
  readonly bytes: number;
  readonly totalBytes: number;
  readonly state: 'due' | 'under way' | 'finished';
}

/** How far the copies have come, and the lines that show it. */
export class Progress {
  readonly #copies = new Map<string, Copy>();
  readonly #speeds = new Map<string, Speed>();
  readonly #tables: number;
  readonly #now: () => number;
  #startedAt: number | null = null;

  /** `tables`: how many there are in all; `now` in milliseconds, from any origin. */
  constructor(tables: number, now = () => performance.now()) {
    this.#tables = tables;
    this.#now = now;
  }

  /** Whether a copy is under way. */
  get active(): boolean {
    return [...this.#copies.values()].some(({ state }) => state !== 'finished');
  }

  observe(seen: Observation): void {
    if (seen.type === 'copy due') this.#due(seen.tables);
    else if (seen.type === 'copy') this.#copied(seen);
    else if (seen.type === 'table') this.#told(seen.table, seen.state);
    else if (seen.type === 'trouble') this.#forget();
  }

  /** At most `height` lines, none longer than `width` columns: a line for all, one per table under way, one for the rest. */
  lines(width: number, height: number): string[] {
    const left = [...this.#copies].filter(([, { state }]) => state !== 'finished');
    // First those that are under way, and of them those that will take longest: the ones to look at, and the order seldom changes.
    left.sort(([, a], [, b]) => Number(a.state === 'due') - Number(b.state === 'due') || b.totalBytes - a.totalBytes);
    const room = Math.max(1, height - 2);
    const shown = left.length > room ? left.slice(0, room - 1) : left;
    const lines = [this.#summary(), ...shown.map(([table, copy]) => this.#line(table, copy, width))];
    const hidden = left.length - shown.length;
    if (hidden > 0) lines.push(`  and ${hidden} more`);
    return lines.map((line) => fit(line, width).trimEnd());
  }

  /** The last word, when no copy is under way any more; null where they were broken off. */
  result(): string | null {
    if (this.#copies.size === 0) return null;
    const { finished, rows, bytes } = this.#sum();
    const took = formatSeconds((this.#now() - (this.#startedAt ?? this.#now())) / 1000);
    return `copied ${finished} of ${this.#tables} tables: ${formatCount(rows)} rows, ${formatBytes(bytes)} in ${took}`;
  }

  #due(tables: ReadonlyMap<string, number>): void {
    this.#startedAt ??= this.#now();
    for (const [table, totalBytes] of tables) {
      this.#copies.set(table, { rows: 0, bytes: 0, totalBytes, state: 'due' });
    }
  }

  #copied({ table, rows, bytes, totalBytes }: Extract<Observation, { readonly type: 'copy' }>): void {
    this.#copies.set(table, { rows, bytes, totalBytes, state: 'under way' });
    const speed = this.#speeds.get(table) ?? new Speed();
    this.#speeds.set(table, speed);
    speed.note(this.#now(), bytes);
  }

  #told(table: string, state: string): void {
    const copy = this.#copies.get(table);
    if (state === 'streaming' && copy) this.#copies.set(table, { ...copy, state: 'finished' });
    else if (state === 'halted' || state === 'stale') this.#copies.delete(table);
    else return; // what a checkpoint's entry says until the copy is finished
    this.#speeds.delete(table);
  }

  /** What was copied and not finished comes again, and the finished ones may, too. */
  #forget(): void {
    this.#copies.clear();
    this.#speeds.clear();
    this.#startedAt = null;
  }

  #sum() {
    const copies = [...this.#copies.values()];
    const sum = (of: (copy: Copy) => number) => copies.reduce((total, copy) => total + of(copy), 0);
    return {
      finished: copies.filter(({ state }) => state === 'finished').length,
      rows: sum((copy) => copy.rows),
      bytes: sum((copy) => copy.bytes),
      left: sum((copy) => (copy.state === 'finished' ? 0 : Math.max(0, copy.totalBytes - copy.bytes))),
    };
  }

  #summary(): string {
    const { finished, rows, bytes, left } = this.#sum();
    const rate = [...this.#speeds.values()].reduce((total, speed) => total + speed.rate(this.#now()), 0);
    const parts = [
      `copied ${finished} of ${this.#tables} tables`,
      `${formatCount(rows)} rows`,
      formatBytes(bytes),
      `${formatBytes(rate)}/s`,
      `${timeLeft(left, rate)} left`,
    ];
    return parts.join(' · ');
  }

  /** `  public.customer        ██████░░░░░  63%  1.2M rows  610 MB   41 MB/s    0:09`. */
  #line(table: string, copy: Copy, width: number): string {
    const rate = this.#speeds.get(table)?.rate(this.#now()) ?? 0;
    const share = shareCopied(copy.bytes, copy.totalBytes);
    const figures = [
      `${String(Math.floor(share * 100)).padStart(3)}%`,
      `${formatCount(copy.rows).padStart(5)} rows`,
      formatBytes(copy.bytes).padStart(7),
      `${formatBytes(rate).padStart(7)}/s`,
      timeLeft(copy.totalBytes - copy.bytes, rate).padStart(7),
    ].join(' ');
    const room = Math.max(8, width - figures.length - 4);
    const barWidth = Math.min(24, Math.floor(room / 3));
    return `  ${fit(printable(table), room - barWidth - 1)} ${bar(share, barWidth)} ${figures}`;
  }
}

/** Bytes a second over the last while. */
class Speed {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  note(at: number, bytes: number): void {
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && this.#samples[1]!.at < at - WINDOW_MS) this.#samples.shift();
  }

  rate(now: number): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    // Up to now, not up to the last sample: a copy that hangs slows down to nothing.
    return first && last && now > first.at ? Math.max(0, ((last.bytes - first.bytes) * 1000) / (now - first.at)) : 0;
  }
}

function timeLeft(bytes: number, rate: number): string {
  return rate > 0 ? formatSeconds(Math.max(0, bytes) / rate) : '-';
}
