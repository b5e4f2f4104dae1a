// What the text of the status and the screen say in the same words.
import type { SinkStatus } from '../state/sink-watch.ts';
import type { SlotStatus } from '../state/slot-watch.ts';
import type { Status } from '../state/state.ts';
import type { CopyProgress, TableStatus } from '../state/table-status.ts';

export function sinkState({ state, halt }: SinkStatus): string {
  return halt ? 'halted' : state;
}

/** `trouble`: what is wrong with the pipeline. It may be why nobody looked. */
export function slotState(
  { wal_status }: Pick<SlotStatus, 'wal_status'>,
  { trouble }: Pick<Status, 'trouble'>,
): string {
  return wal_status ?? (trouble ? 'not known' : 'not there');
}

/** Why a table waits. Why the one that streams was copied last is of no interest any more: empty. */
export function waitsFor({ state, reason = '' }: TableStatus): string {
  return state === 'waiting' ? reason : '';
}

/** What was done last for a copy. */
export function copyStep({ step }: CopyProgress): string {
  return `copy ${step}`;
}
