// How long commits take to be durable in each sink, by what the sinks' positions say to whoever asks from outside.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '../../src/core/lsn.ts';
import type { Status } from './trial/service.ts';

const LOOK_EVERY_MS = 50;

/** Of one commit in one sink: when its writer knew of it, as performance.now() has it, and how long after that a look found it durable. */
export interface Arrival {
  readonly committed: number;
  readonly latency: number;
}

/** Of one sink: commits that it does not hold yet, in order, and those that it does. */
interface Sink {
  next: number;
  readonly arrived: Arrival[];
}

/** Commits and their ways into the sinks. A sink that is away, or a process that is down, is time that passes like any other. */
export class Arrivals {
  readonly #commits: { readonly lsn: bigint; readonly at: number }[] = [];
  readonly #sinks: ReadonlyMap<string, Sink>;

  constructor(sinks: readonly string[]) {
    this.#sinks = new Map(sinks.map((sink) => [sink, { next: 0, arrived: [] }]));
  }

  /** A transaction is committed whose record lies behind this LSN. */
  committed(lsn: string): void {
    this.#commits.push({ lsn: parseLsn(lsn), at: performance.now() });
  }

  /** Looks until the signal aborts. `status` gives null while nobody answers. */
  async watch(status: () => Promise<Pick<Status, 'sinks'> | null>, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const seen = await status();
      for (const [name, sink] of this.#sinks) this.#advance(sink, seen?.sinks[name]?.position ?? null);
      await sleep(LOOK_EVERY_MS);
    }
  }

  of(sink: string): readonly Arrival[] {
    return this.#sinks.get(sink)!.arrived;
  }

  /** How many commits a sink does not hold yet. */
  pending(sink: string): number {
    return this.#commits.length - this.#sinks.get(sink)!.next;
  }

  #advance(sink: Sink, position: string | null): void {
    if (position === null) return;
    const [pos, now] = [parseLsn(position), performance.now()];
    for (; sink.next < this.#commits.length && this.#commits[sink.next]!.lsn < pos; sink.next++) {
      const { at } = this.#commits[sink.next]!;
      sink.arrived.push({ committed: at, latency: now - at });
    }
  }
}
