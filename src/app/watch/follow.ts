import type { Notice } from '../state/table-status.ts';
import type { Report } from '../status/report.ts';
import type { View } from './view.ts';

/** Rates are those of the last seconds: of one alone they would jump about. */
const WINDOW_MS = 5_000;

interface Seen {
  readonly report: Report;
  readonly at: number;
}

/** What was seen of a pipeline lately, and the view that it makes. All times in milliseconds of a monotonic clock. */
export class Follow {
  /** The oldest first; of one process that answers. */
  #recent: Seen[] = [];
  #last: Seen | null = null;
  #failure: Notice | null = null;
  #isSilent = false;
  /** When what is stored was read last. */
  #readAt = Number.NEGATIVE_INFINITY;

  /** The process answered. */
  answered(report: Report, at: number): void {
    this.#recent = this.#recent.filter((seen) => at - seen.at <= WINDOW_MS);
    this.#last = { report, at };
    this.#recent.push(this.#last);
    this.#failure = null;
    this.#isSilent = false;
  }

  /** The process that had answered does so no longer: it ended, or hangs. */
  silent(): void {
    this.#recent = [];
    this.#isSilent = true;
  }

  /** Nobody answers, and this is stored. */
  stored(report: Report, at: number): void {
    this.#readAt = at;
    this.#recent = [];
    this.#last = { report, at };
    this.#failure = null;
  }

  /** Nobody answers, and what is stored cannot be read. */
  failed(failure: Notice, at: number): void {
    this.#readAt = at;
    this.#recent = [];
    this.#failure = failure;
  }

  isStoredOlderThan(ms: number, now: number): boolean {
    return now - this.#readAt >= ms;
  }

  /** Null before anything was seen. */
  get report(): Report | null {
    return this.#last?.report ?? null;
  }

  view(now: number): View {
    const first = this.#recent[0];
    const last = this.#last;
    const seconds = first && last ? (last.at - first.at) / 1000 : 0;
    return {
      report: last?.report ?? null,
      before: first && seconds > 0 ? { report: first.report, seconds } : null,
      silentSeconds: last && this.#isSilent ? (now - last.at) / 1000 : null,
      failure: this.#failure,
    };
  }
}
