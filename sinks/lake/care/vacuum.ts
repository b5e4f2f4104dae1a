import { PgveilError } from '../../../src/core/errors.ts';
import { type Folded, fold } from './fold.ts';
import { sweep } from './sweep.ts';
import { ORPHAN_MS, type Tended } from './tended.ts';

export interface VacuumOptions {
  /** Older versions stay readable for so many milliseconds. */
  readonly keepMs: number;
  /** What was deleted or overwritten is in no file any more after so many milliseconds; null: it stays. */
  readonly eraseMs: number | null;
  readonly dryRun: boolean;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** What was done to a table, without a value of it. Times are ISO 8601. */
export interface Receipt {
  readonly table: string;
  readonly at: string;
  readonly dryRun: boolean;
  /** Null where nothing is to be erased. */
  readonly erased: Erased | null;
  readonly removed: {
    readonly files: number;
    readonly orphans: number;
    readonly bytes: number;
    readonly logEntries: number;
  };
  readonly oldestVersion: number | null;
  /** A vacuum behind this moment removes the last of the files that only older versions need; null where there is none. */
  readonly restDue: string | null;
}

interface Erased {
  /** What was overwritten or deleted before this moment is in the present version no more. */
  readonly before: string;
  readonly keys: number;
  readonly rows: number;
  readonly filesRewritten: number;
  readonly filesRemoved: number;
  readonly version: number | null;
}

/** A vacuum runs once a day. */
const INTERVAL_MS = ORPHAN_MS;

/** Erases what is due, removes what no version needs any more, and leaves a receipt beside the table. `epoch` is that of the writer. */
export async function vacuum(table: Tended, epoch: number, options: VacuumOptions): Promise<Receipt> {
  const at = new Date(options.now);
  const erased = options.eraseMs === null ? null : await erase(table, options.eraseMs, options);
  const { files, orphans, bytes, logEntries, oldestVersion, nextDue } = await sweep(table, epoch, {
    ...options,
    now: Math.max(options.now, Date.now()), // what was erased a moment ago is of before
  });
  const receipt: Receipt = {
    table: table.name,
    at: at.toISOString(),
    dryRun: options.dryRun,
    erased,
    removed: { files, orphans, bytes, logEntries },
    oldestVersion,
    restDue: nextDue === null ? null : new Date(nextDue).toISOString(),
  };
  if (!options.dryRun && hasDone(receipt)) await keep(table, receipt);
  return receipt;
}

/** Rejects with `command_line` where older versions would hold for longer what is to be gone. */
export function assertErasable(keepMs: number, eraseMs: number | null): void {
  if (eraseMs === null || eraseMs >= keepMs + INTERVAL_MS) return;
  throw new PgveilError('command_line', 'what is to be erased would be kept for longer in older versions', {
    fix: 'Let it be erased at least a day later than older versions are kept: --erase-after 8d --keep 7d.',
  });
}

/** Early enough that the versions which still have it are gone in time, too. */
async function erase(table: Tended, eraseMs: number, { keepMs, dryRun, now }: VacuumOptions): Promise<Erased> {
  const before = now - (eraseMs - keepMs - INTERVAL_MS);
  const { keys, dropped, filesRewritten, filesRemoved, version }: Folded = await fold(table, { before, dryRun });
  return { before: new Date(before).toISOString(), keys, rows: dropped, filesRewritten, filesRemoved, version };
}

function hasDone({ erased, removed }: Receipt): boolean {
  const { files, orphans, logEntries } = removed;
  return (erased?.rows ?? 0) + files + orphans + logEntries > 0;
}

async function keep(table: Tended, receipt: Receipt): Promise<void> {
  const name = `${table.path}/_receipts/${receipt.at.replaceAll(':', '-')}.json`;
  await table.workshop.storage.put(name, Buffer.from(`${JSON.stringify(receipt, null, 2)}\n`));
}
