import type { Apart } from '../parts.ts';
import { type Life, recover } from '../recovery.ts';
import { Absences } from './absence.ts';
import { Group } from './group.ts';
import { MainRoster } from './main-roster.ts';
import { SlotKeeper } from './slot-keeper.ts';
import { WalLimit } from './wal-limit.ts';

export interface TogetherOptions {
  readonly life: Omit<Life, 'roster'>;
  readonly apart: Apart;
  readonly endsCaughtUp: boolean;
}

/**
 * One session after another of the sinks that are together, and whoever left them beside it, until `signal` aborts or all are caught up.
 * Rejects with what ends the pipeline; having caught up without a sink that waits for a person, with that.
 */
export async function runTogether({ life, apart, endsCaughtUp }: TogetherOptions, signal: AbortSignal): Promise<void> {
  const { parts, patience, desk } = life;
  const { observe } = parts;
  const over = new AbortController();
  const stopped = AbortSignal.any([signal, over.signal]);
  const failed = (error: unknown) => over.abort(error);
  const group = new Group(new SlotKeeper(apart.slots, observe), parts.sinks.keys());
  const absences = new Absences({ parts, apart, others: group, patience, desk });
  const areMissingHalted = () => [...group.absent].every((sink) => absences.get(sink)?.halt);
  const main = new MainRoster(parts, apart, {
    group,
    mayEnd: endsCaughtUp ? areMissingHalted : null,
    left: (sink, leaving) => absences.begin(sink, leaving, stopped, failed),
  });
  const limit = [...parts.sinks.keys()].some((sink) => apart.mayDetach(sink))
    ? new WalLimit({ apart, group, absences, observe }).run(stopped).catch(failed)
    : null;
  try {
    do await recover({ ...life, roster: main }, stopped);
    while (group.isToGoOn && !stopped.aborted);
    over.signal.throwIfAborted();
    const halted = absences.all.find(({ halt }) => halt);
    if (endsCaughtUp && !signal.aborted && halted) throw halted.halt;
  } finally {
    over.abort();
    await Promise.all([absences.settled(), limit]);
  }
}
