import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../core/checkpoint.ts';
import type { Comparer, Comparison, Holding } from '../../core/comparison.ts';
import { PgveilError } from '../../core/errors.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { Observe } from '../../core/observer.ts';
import type { Sides, SourceTables } from '../assembly.ts';
import type { Look } from './compare.ts';

const ASK_MS = 50;
/** What a sink that is not far behind needs. */
const IMPATIENT_MS = 1_000;
/**
 * WAL behind a position that an idle source does not make a new position for, twice: nothing of it need concern our tables. What does is on its way, and
 * there after the sink's `restMs`.
 */
const IDLE_BYTES = 64n * 1024n;

/** Why a table was not compared. */
export class NotComparable extends Error {}

export interface LooksOptions {
  readonly sides: Sides;
  readonly source: SourceTables;
  readonly comparer: Comparer;
  readonly sink: string;
  readonly table: string;
  readonly timeoutMs: number;
  /** Shared by all tables of the sink. */
  readonly quiet: Quiet;
  readonly observe: Observe;
}

/** Where a sink was found to have everything although its position lies before the end of the source. */
export interface Quiet {
  pos: Lsn;
  end: Lsn;
}

/** Looks at one table of a sink, and at the source, which the sink is never behind. */
export class Looks {
  readonly #options: LooksOptions;
  readonly #stored: Checkpoint;
  #comparison: Comparison | null = null;
  #count = 0;

  private constructor(options: LooksOptions, stored: Checkpoint) {
    this.#options = options;
    this.#stored = stored;
  }

  /** Throws NotComparable where the sink does not have the table. */
  static async begin(options: LooksOptions): Promise<Looks> {
    const stored = await options.comparer.checkpoint();
    if (!stored?.position) throw new NotComparable('its first copy is not finished');
    requireStreaming(stored, options.table);
    return new Looks(options, stored);
  }

  async open(patient: boolean): Promise<Look> {
    const { table, comparer, observe } = this.#options;
    // Each look but the first is to show what came since the one before.
    const source = await this.#options.source.look(table, this.#stored, this.#count++ > 0);
    if (typeof source === 'string') throw new NotComparable(source);
    try {
      const comparison = this.#comparison ?? comparer.of(source.table);
      if (typeof comparison === 'string') throw new NotComparable(comparison);
      this.#comparison = comparison;
      const holding = await this.#hold(comparison, source.end, patient);
      return {
        expected: () => source.rows((rows) => comparison.expect(rows), observe),
        held: () => holding.rows(),
        close: async () => {
          await Promise.all([source.close(), holding.close()]);
        },
      };
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** Throws NotComparable where the table is another one by now: what was read of it may have been of neither. */
  async confirm(): Promise<void> {
    this.#require(await this.#options.comparer.checkpoint());
  }

  /** What the sink holds once it holds everything before `end`. */
  async #hold(comparison: Comparison, end: Lsn, patient: boolean): Promise<Holding> {
    const { sides, sink, timeoutMs, quiet } = this.#options;
    const began = performance.now();
    let moved = { pos: -1n, at: began };
    for (;;) {
      const holding = await comparison.look();
      const pos = holding.checkpoint?.position?.pos ?? 0n;
      const now = performance.now();
      if (pos !== moved.pos) moved = { pos, at: now };
      try {
        this.#require(holding.checkpoint);
        if (pos >= end || (pos === quiet.pos && end === quiet.end)) return holding;
        if (!patient && now - began > IMPATIENT_MS) return holding;
        if (now - moved.at > comparison.restMs && end - pos < IDLE_BYTES) {
          Object.assign(quiet, { pos, end });
          return holding;
        }
        // Nobody feeds it: what it holds is all that there is.
        if (!(await sides.isFed())) return holding;
        if (now - began > timeoutMs) throw behind(sink, pos, end);
      } catch (error) {
        await holding.close();
        throw error;
      }
      await holding.close();
      await sleep(ASK_MS);
    }
  }

  #require(now: Checkpoint | null): void {
    const { table } = this.#options;
    requireStreaming(now, table);
    const [before, after] = [this.#stored, now!].map((checkpoint) => {
      const { generation, plan, oid } = checkpoint.tables.get(table)!;
      return { generation, plan, oid };
    });
    if (!isDeepStrictEqual(before, after)) throw new NotComparable('it was copied anew meanwhile');
  }
}

function requireStreaming(checkpoint: Checkpoint | null, table: string): void {
  const state = checkpoint?.tables.get(table)?.state ?? { state: 'absent' };
  switch (state.state) {
    case 'streaming':
      return;
    case 'stale':
      throw new NotComparable(`stale: ${state.reason}`);
    case 'halted':
      throw new NotComparable(`halted: ${state.code}`);
    case 'absent':
      throw new NotComparable('not copied yet');
  }
}

function behind(sink: string, pos: Lsn, end: Lsn): PgveilError {
  const message = `sink ${sink} is at ${formatLsn(pos)} and did not reach ${formatLsn(end)} in time`;
  return new PgveilError('timed_out', message, { sink, fix: 'See `pgveil status`: it is parked, or far behind.' });
}
