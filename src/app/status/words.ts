// What the text of the status and the screen say in the same words.
import { formatBytes, formatSeconds } from '../show/quantity.ts';
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

/** What the source writes, which a slot that does not move has to keep. */
export const WRITTEN = 'written';
/** How long a slot lasts that does not move. */
export const LOST_IN = 'lost in';
/** Of a slot that the server never gives up. */
export const NO_LIMIT = 'no limit';

/** `1.3 MB/s`; empty where nobody knows. */
export function writtenRate({ rate_bytes_per_s }: SlotStatus): string {
  return rate_bytes_per_s === null ? '' : `${formatBytes(rate_bytes_per_s)}/s`;
}

/** `1:55:23`; empty where nobody knows, or it never ends. */
export function timeLeft({ seconds_left }: SlotStatus): string {
  return seconds_left === null ? '' : formatSeconds(seconds_left);
}

/** Why a table waits. Why the one that streams was copied last is of no interest any more: empty. */
export function waitsFor({ state, reason = '' }: TableStatus): string {
  return state === 'waiting' ? reason : '';
}

/** What was done last for a copy. */
export function copyStep({ step }: CopyProgress): string {
  return `copy ${step}`;
}
