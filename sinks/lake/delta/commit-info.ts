import { randomUUID } from 'node:crypto';
import type { Action, Add } from './action.ts';

const ENGINE = 'pgveil';
/** A commit of ours that leaves out rows which later ones have overtaken: of the latest state it changes nothing. */
export const FOLD = 'FOLD';

/** Made anew for each attempt: the same bytes twice would pass for one commit. */
export function commitInfo(operation: string, operationParameters: Readonly<Record<string, string>> = {}): Action {
  const txnId = randomUUID();
  return { commitInfo: { timestamp: Date.now(), operation, operationParameters, engineInfo: ENGINE, txnId } };
}

/** Takes a file out of the table. */
export function removal({ path, partitionValues, size }: Add, dataChange: boolean): Action {
  const deletionTimestamp = Date.now();
  return { remove: { path, deletionTimestamp, dataChange, extendedFileMetadata: true, partitionValues, size } };
}

/** Whether a commit leaves the latest state of every row, and every position, as they were: it put rows elsewhere, or is a fold of ours. */
export function isMaintenance(actions: readonly Action[]): boolean {
  const isFold = actions.some(({ commitInfo: info }) => info?.engineInfo === ENGINE && info.operation === FOLD);
  return actions.every((action) => {
    const file = action.add ?? action.remove;
    return action.commitInfo !== undefined || file?.dataChange === false || (isFold && file !== undefined);
  });
}
