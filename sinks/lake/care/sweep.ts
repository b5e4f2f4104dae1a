import { reach } from '../../../src/core/fault.ts';
import { CARE, makerOf } from '../delta/file-name.ts';
import { checkpointName, commitName, LOG_FOLDER } from '../delta/log-name.ts';
import type { Storage } from '../storage/storage.ts';
import { LogHistory } from './log-history.ts';
import { type Retained, retained } from './retention.ts';
import { ORPHAN_MS, type Tended } from './tended.ts';

/** Files and entries of the log that are gone. */
export interface Swept {
  /** Of versions that are older than all that is kept. */
  readonly files: number;
  /** Of no version: what was made by those who crashed, or whose copy came to nothing. */
  readonly orphans: number;
  readonly bytes: number;
  readonly logEntries: number;
  /** The oldest version that can be read; null where there is no table. */
  readonly oldestVersion: number | null;
  /** When the last of the files is due that only older versions need, in ms since 1970; null where there is none. */
  readonly nextDue: number | null;
}

export interface SweepOptions {
  /** Versions stay readable for so many milliseconds. */
  readonly keepMs: number;
  readonly dryRun: boolean;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** Removes files that no version of the time that is kept needs, and then the log's entries of versions before that. */
export async function sweep(table: Tended, epoch: number, { keepMs, dryRun, now }: SweepOptions): Promise<Swept> {
  const { storage } = table.workshop;
  // Listed before the log is read: what is committed meanwhile is known then.
  const listed = await filesOf(storage, table.path);
  const kept = await retained(table, now - keepMs);
  const done = { files: 0, orphans: 0, bytes: 0 };
  for (const { path, size, modified } of listed) {
    const isKnown = kept.known.has(path);
    if (isKnown ? kept.needed.has(path) : !isOrphan(path, epoch, now - modified)) continue;
    if (!dryRun) await storage.delete(`${table.path}/${decodeURIComponent(path)}`);
    reach('file removed');
    done[isKnown ? 'files' : 'orphans']++;
    done.bytes += size;
    if ((done.files + done.orphans) % 1000 === 0) table.say(`removed ${done.files + done.orphans} files`);
  }
  const logEntries = await sweepLog(table, now - Math.max(keepMs, ORPHAN_MS), dryRun);
  const { oldest, lastRemoval } = kept;
  const oldestVersion = oldest < 0 ? null : oldest;
  return { ...done, logEntries, oldestVersion, nextDue: lastRemoval && lastRemoval + keepMs };
}

/**
 * A file in no version is nobody's a day after it was made: of our own, since we commit within twelve hours or not at all, and of a writer's
 * once another one has taken over. What the present writer made may be a part of a copy that takes a week.
 */
function isOrphan(path: string, epoch: number, ageMs: number): boolean {
  const maker = makerOf(path);
  if (maker === undefined || ageMs < ORPHAN_MS) return false;
  return maker === CARE || Number(maker) < epoch;
}

async function filesOf(storage: Storage, folder: string) {
  const files = [];
  for await (const { name, ...about } of storage.list(`${folder}/`)) {
    const path = name.slice(folder.length + 1);
    files.push({ path: encodeURI(path), ...about });
  }
  return files;
}

/**
 * Old entries hold the least and greatest values of files that are gone. A writer looks at the log anew before it builds on a version that it
 * has not looked behind for half a day, so what is kept for a day is enough for it.
 */
async function sweepLog(table: Tended, since: number, dryRun: boolean): Promise<number> {
  const { oldest }: Retained = await retained(table, since);
  const { commits, checkpoints } = await LogHistory.open(table);
  // In this order: whoever is cut off must not leave a checkpoint whose next commit is gone, from which nobody could read on.
  const names = [
    ...checkpoints.filter((version) => version < oldest).map(checkpointName),
    ...commits.filter((version) => version < oldest).map(commitName),
  ];
  if (names.length === 0 || dryRun) return names.length;
  const now = Date.now();
  if (!checkpoints.includes(oldest)) {
    await table.log.sumUp(checkpoints.findLast((version) => version < oldest) ?? -1, oldest, now);
  }
  await table.log.writeCheckpoint(now); // or whoever begins with the last one would begin with one that is gone
  for (const name of names) await table.workshop.storage.delete(`${table.path}/${LOG_FOLDER}/${name}`);
  return names.length;
}
