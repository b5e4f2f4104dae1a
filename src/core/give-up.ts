import { copiedBy, type RedactedBatch } from './batch.ts';
import { PgveilError } from './errors.ts';

/**
 * Runs `write`. What concerns the batch's copy alone ends that copy, not the sink: `giveUp` frees what the copy takes up before anybody is
 * told. Returns that error, or null where all was written; throws any other.
 */
export async function orGiveUp(
  batch: RedactedBatch,
  write: () => Promise<void>,
  giveUp: (table: string) => Promise<void>,
): Promise<PgveilError | null> {
  try {
    await write();
    return null;
  } catch (error) {
    const copied = copiedBy(batch)?.name;
    if (!(error instanceof PgveilError) || copied === undefined || error.table !== copied) throw error;
    await giveUp(copied);
    return error;
  }
}
