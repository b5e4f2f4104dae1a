import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, PgveilError } from '../core/errors.ts';
import { Backoff } from './backoff.ts';
import { Desk } from './desk.ts';
import type { Parts } from './parts.ts';
import { Patience } from './patience.ts';
import { runSession } from './session.ts';

export interface Until {
  /** End once everything committed before the start is durable in every sink. */
  readonly caughtUp: boolean;
  /** How long to wait for what is away, or for another instance, before `timed_out`; null for ever. */
  readonly patienceMs: number | null;
}

/**
 * Runs until `signal` aborts or `until` is reached. There is one recovery for everything that may work later: close all,
 * wait, open all, and resume from what is durable. Rejects with the PgveilError that only a person can mend. `desk` is where people
 * ask for something meanwhile.
 */
export async function runPipeline(parts: Parts, until: Until, signal: AbortSignal, desk = new Desk()): Promise<void> {
  const lessons = new Lessons(desk.orders.acceptSource);
  const patience = new Patience(until.patienceMs);
  const healthy = () => {
    lessons.healthy();
    patience.calm();
  };
  const advanced = () => {
    lessons.advanced();
    patience.advance();
  };
  const stopped = AbortSignal.any([signal, patience.signal]);
  try {
    while (!signal.aborted) {
      try {
        const { halts, anew } = lessons;
        const healed = (table: string) => void halts.delete(table);
        const outset = { halts, anew, untilCaughtUp: until.caughtUp, healthy, advanced, healed, desk };
        await runSession(parts, outset, stopped);
        patience.check();
        return;
      } catch (thrown) {
        if (signal.aborted) return;
        patience.check();
        const error = known(thrown);
        const retryInMs = lessons.learn(error);
        const { code, message } = error;
        parts.observe({ type: 'trouble', part: error.table ?? error.sink ?? 'pipeline', code, message, retryInMs });
        if (retryInMs === null) throw error;
        patience.worry();
        await sleep(retryInMs, undefined, { signal: stopped }).catch(() => {});
      }
    }
  } finally {
    patience.calm();
  }
}

/** What one session's failure teaches the next. */
class Lessons {
  readonly halts = new Map<string, string>();
  anew = false;
  #hasRun = false;
  readonly #backoff = new Backoff();
  /** Until something is durable: what becomes of the source later is not what was accepted. */
  #acceptsSource: boolean;

  constructor(acceptsSource: boolean) {
    this.#acceptsSource = acceptsSource;
  }

  /** Milliseconds until the next session, or null where there is none. */
  learn(error: PgveilError): number | null {
    switch (error.kind.recovery) {
      case 'stop':
        if (error.code === 'history_changed' && this.#acceptsSource) {
          this.anew = true;
          break;
        }
        return this.#hasRun && PASSING_ONCE_RUN.has(error.code) ? this.#backoff.next() : null;
      case 'halt table':
        if (error.table === null) return null;
        this.halts.set(error.table, error.code);
        break;
      case 'copy everything':
        this.anew = true;
        this.halts.clear();
        break;
      case 'copy table':
      case 'reopen':
      case 'go on':
        break;
    }
    return this.#backoff.next();
  }

  /** A session got its first batch through. */
  healthy(): void {
    this.#hasRun = true;
    this.anew = false;
  }

  /** Something became durable that was not before. A session that only begins well may fail at its first flush, again and again. */
  advanced(): void {
    this.#acceptsSource = false;
    this.#backoff.reset();
  }
}

/** Wrong at the first start, but a passing state (a password being rotated) for a service that has run. */
const PASSING_ONCE_RUN: ReadonlySet<ErrorCode> = new Set([
  'credentials_refused',
  'database_missing',
  'tls_failed',
  'lake_rights',
  'kafka_rights',
  'registry_rights',
]);

/** Every failure that a part lets out is a PgveilError; anything else is a mistake of ours, and trying again would hide it. */
function known(thrown: unknown): PgveilError {
  if (thrown instanceof PgveilError) return thrown;
  throw thrown;
}
