import { isDeepStrictEqual } from 'node:util';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Snapshot } from '../delta/snapshot.ts';
import { LogHistory } from './log-history.ts';
import type { Report } from './problem.ts';
import type { Tended } from './tended.ts';

/** Reads all versions there are, one after another; null where that does not come to an end. */
export async function verifyLog(table: Tended, report: Report): Promise<{ first: number; last: Snapshot } | null> {
  const history = await LogHistory.open(table);
  try {
    const snapshot = await history.start();
    const first = Math.max(0, snapshot.version);
    for await (const [version, actions] of history.behind(snapshot.version)) {
      snapshot.apply(version, actions);
      if (!history.checkpoints.includes(version)) continue;
      const summed = await table.log.readCheckpoint(version);
      if (!summed || !isSame(summed, snapshot))
        report('log', `checkpoint ${version} differs from the versions up to it`);
    }
    const latest = await table.log.read(); // as a reader does, who begins with the last checkpoint
    if (latest.version === snapshot.version && !isSame(latest, snapshot)) {
      report('log', 'a reader that begins with the last checkpoint does not come to the same table');
    }
    return { first, last: snapshot };
  } catch (error) {
    if (error instanceof PgveilError && error.code !== 'lake_failed') throw error;
    report('log', error instanceof PgveilError ? error.message : 'a version cannot be read');
    return null;
  }
}

/** What a checkpoint has to keep. */
function isSame(one: Snapshot, other: Snapshot): boolean {
  return isDeepStrictEqual(essence(one), essence(other));
}

function essence({ protocol, metaData, txns, files }: Snapshot) {
  const shown = [...files.values()].map(({ path, size, partitionValues, stats }) => [
    path,
    { size, partitionValues, stats },
  ]);
  return { protocol, metaData, txns, files: new Map(shown as [string, object][]) };
}
