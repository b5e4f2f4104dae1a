// What the text of the status and the screen say in the same words.
import type { SinkStatus } from '../state/sink-watch.ts';
import type { SlotStatus } from '../state/slot-watch.ts';
import { isSecond, type Status } from '../state/state.ts';
import type { CopyProgress, TableStatus } from '../state/table-status.ts';

export function sinkState({ state, halt }: SinkStatus): string {
  return halt ? 'halted' : state;
}

/** `trouble` and `waiting`: what keeps the pipeline from going on. It may be why nobody looked. */
export function slotState(
  { wal_status }: Pick<SlotStatus, 'wal_status'>,
  status: Pick<Status, 'trouble' | 'waiting'>,
): string {
  return wal_status ?? (status.trouble || isSecond(status) ? 'not known' : 'not there');
}

/** `waits for another instance of this pipeline to end`. */
export function pipelineWaits({ waiting }: Pick<Status, 'waiting'>): string {
  return waiting ? `waits for ${waiting.what}` : '';
}

/** Why a table waits. Why the one that streams was copied last is of no interest any more: empty. */
export function waitsFor({ state, reason = '' }: TableStatus): string {
  return state === 'waiting' ? reason : '';
}

/** What was done last for a copy. */
export function copyStep({ step }: CopyProgress): string {
  return `copy ${step}`;
}
