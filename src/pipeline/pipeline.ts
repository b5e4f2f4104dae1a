import { runTogether } from './apart/together.ts';
import { Desk } from './desk.ts';
import type { Parts } from './parts.ts';
import { Patience } from './patience.ts';
import { RecoveryState, recover } from './recovery.ts';
import { OneForAll } from './roster.ts';

export interface Until {
  /** End once everything committed before the start is durable in every sink. */
  readonly caughtUp: boolean;
  /** How long to wait for what is away, or for another instance, before `timed_out`; null for ever. */
  readonly patienceMs: number | null;
}

/**
 * Runs until `signal` aborts or `until` is reached: the sinks that read together, and beside them each one that reads by itself.
 * Rejects with the PgveilError that only a person can mend. `desk` is where people ask for something meanwhile.
 */
export async function runPipeline(parts: Parts, until: Until, signal: AbortSignal, desk = new Desk()): Promise<void> {
  const patience = new Patience(until.patienceMs);
  const stopped = AbortSignal.any([signal, patience.signal]);
  const life = { parts, desk, patience, who: '', recovery: new RecoveryState(desk.orders.acceptSource) };
  try {
    if (parts.apart) await runTogether({ life, apart: parts.apart, endsCaughtUp: until.caughtUp }, stopped);
    else await recover({ ...life, roster: new OneForAll(parts.sinks, until.caughtUp) }, stopped);
    if (!signal.aborted) patience.check();
  } finally {
    patience.end();
  }
}
