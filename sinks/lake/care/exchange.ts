import { PgveilError } from '../../../src/core/errors.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Action, Add } from '../delta/action.ts';
import { commitInfo, removal } from '../delta/commit-info.ts';
import { COMMIT_WITHIN_MS, type Tended } from './tended.ts';

/** Files that take the place of others. */
export interface Exchange {
  /** Of the version that all of this was read from. */
  readonly version: number;
  readonly removes: readonly Add[];
  readonly adds: readonly Add[];
  readonly operation: string;
  /** Whether rows or values are gone, rather than only elsewhere. */
  readonly dataChange: boolean;
  /** When the first of the files was made, in milliseconds since 1970. */
  readonly since: number;
}

/**
 * Commits behind whatever was committed meanwhile, as long as all files that it removes are still there and the schema is the same. Gives the
 * version, or null where it came too late: then nothing was changed, the new files are gone, and all is to be read and done again.
 */
export async function exchange(table: Tended, exchanged: Exchange): Promise<number | null> {
  const { adds, removes, operation, dataChange, since } = exchanged;
  const paths = new Set(removes.map(({ path }) => path));
  for (let version = exchanged.version + 1; ; version++) {
    if (Date.now() - since > COMMIT_WITHIN_MS) {
      throw new PgveilError('lake_failed', `${table.name}: this took longer than 12 hours`, { fix: LATE_FIX });
    }
    const actions = [
      ...removes.map((add) => removal(add, dataChange)),
      ...adds.map((add) => ({ add: { ...add, dataChange } })),
      commitInfo(operation, { numRemovedFiles: String(removes.length), numAddedFiles: String(adds.length) }),
    ];
    reach('before the exchange');
    if (await table.log.tryCommit(version, actions)) {
      reach('after the exchange');
      await sumUpIfDue(table, version);
      return version;
    }
    const theirs = await table.log.readCommit(version);
    if (theirs && !theirs.some((action) => isAgainst(action, paths))) continue;
    await table.discard(adds);
    return null;
  }
}

const LATE_FIX =
  'This step was not committed. Run it again, from a machine that reads and writes the lake faster; a vacuum a day later removes the files that it made.';

function isAgainst({ remove, metaData, protocol }: Action, paths: ReadonlySet<string>): boolean {
  return metaData !== undefined || protocol !== undefined || (remove !== undefined && paths.has(remove.path));
}

/** The writer does it at versions of its own; this one is not its own. */
async function sumUpIfDue(table: Tended, version: number): Promise<void> {
  if (table.log.isDue(version)) await table.log.writeCheckpoint(Date.now()).catch(() => {});
}
