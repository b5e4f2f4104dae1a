import { Absence } from './absence.ts';
import { Desk } from './desk.ts';
import { type Leaving, MainRoster } from './main-roster.ts';
import type { Apart, Parts } from './parts.ts';
import { Patience } from './patience.ts';
import { Lessons, recover } from './recovery.ts';
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
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, patience.signal, failed.signal]);
  const lessons = new Lessons(desk.orders.acceptSource);
  const life = { parts, desk, patience, who: '', lessons };
  try {
    if (parts.apart) {
      await runTogether({ ...life, apart: parts.apart }, until.caughtUp, stopped, failed);
    } else {
      await recover({ ...life, roster: new OneForAll(parts.sinks, until.caughtUp) }, stopped);
    }
    if (!signal.aborted) patience.check();
  } finally {
    patience.end();
  }
}

interface Together {
  readonly parts: Parts;
  readonly apart: Apart;
  readonly desk: Desk;
  readonly patience: Patience;
  readonly who: string;
  readonly lessons: Lessons;
}

/** One session after another of those that are together, and whoever left them beside it. What ends one of them ends all, by `failed`. */
async function runTogether(life: Together, endsCaughtUp: boolean, stopped: AbortSignal, failed: AbortController) {
  const { parts, apart, patience, desk } = life;
  const absences = new Set<Promise<void>>();
  const onLeave = (sink: string, leaving: Leaving) => {
    const absence = new Absence(sink, { parts, apart, main, patience, desk }).run(leaving, stopped);
    absences.add(absence);
    absence.then(
      () => absences.delete(absence),
      (error) => failed.abort(error),
    );
  };
  const main = new MainRoster(parts, apart, endsCaughtUp, onLeave);
  try {
    do await recover({ ...life, roster: main }, stopped);
    while (main.hasMore && !stopped.aborted);
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(absences);
  }
  failed.signal.throwIfAborted();
}
