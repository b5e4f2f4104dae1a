import { DATE_FIELD } from '../columns/lake-table.ts';
import type { Add, MetaData } from '../delta/action.ts';
import { exchange } from './exchange.ts';
import { store } from './output.ts';
import { fieldsOf, listOf, rowsOf } from './shape.ts';
import type { Tended } from './tended.ts';

/** What Spark and Athena read as one task: fewer files have no advantage, larger ones are split again. */
const TARGET_BYTES = 128 * 1024 * 1024;
/** DuckDB reads and writes 2,048 rows at a time at least: of rows that are so large compressed, fewer go into a file. */
const LARGE_ROW_BYTES = 8 * 1024;
const TARGET_BYTES_OF_LARGE_ROWS = 16 * 1024 * 1024;
/** A file that is filled to so much is left as it is: what is written again and again costs more than a reader gains. */
const FULL = 3 / 4;
/** So many bytes go into one commit: less is lost where it comes too late. */
const COMMIT_BYTES = 8 * TARGET_BYTES;

export interface Compacted {
  readonly table: string;
  readonly filesBefore: number;
  readonly filesAfter: number;
  /** Of the small files, and of those that took their place. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Those that it made. */
  readonly versions: readonly number[];
}

/** Puts the rows of small files into larger ones, every row as it is. */
export async function compact(table: Tended): Promise<Compacted> {
  const done = { bytesRead: 0, bytesWritten: 0, versions: [] as number[] };
  let filesBefore: number | null = null;
  for (;;) {
    const { version, metaData, files } = await table.log.read();
    filesBefore ??= files.size;
    const batch = metaData ? batchOf(bins([...files.values()])) : [];
    if (batch.length === 0) return { table: table.name, filesBefore, filesAfter: files.size, ...done };
    const since = Date.now();
    const adds: Add[] = [];
    for (const bin of batch) adds.push(...(await merge(table, metaData!, bin)));
    const removes = batch.flat();
    const made = await exchange(table, { version, removes, adds, operation: 'OPTIMIZE', dataChange: false, since });
    if (made === null) continue; // somebody else removed a file of these, or the table was copied anew
    done.versions.push(made);
    done.bytesRead += bytesOf(removes);
    done.bytesWritten += bytesOf(adds);
    table.say(`version ${made}, ${removes.length} files became ${adds.length}`);
  }
}

/** Small files of one day each that become one, in the order of the stream. */
export function bins(files: readonly Add[]): Add[][] {
  const small = files.filter((add) => add.size < FULL * targetOf(add));
  const kinds = Map.groupBy(small, (add) => `${add.partitionValues[DATE_FIELD]} ${targetOf(add)}`);
  return [...kinds.values()].flatMap((kind) => {
    const found: Add[][] = [];
    for (const add of kind.toSorted((one, other) => firstLsn(one) - firstLsn(other))) {
      const last = found.at(-1);
      if (last && bytesOf(last) + add.size <= targetOf(add)) last.push(add);
      else found.push([add]);
    }
    return found.filter((bin) => bin.length > 1);
  });
}

function targetOf({ size, stats }: Add): number {
  return size / recordsIn(stats) > LARGE_ROW_BYTES ? TARGET_BYTES_OF_LARGE_ROWS : TARGET_BYTES;
}

function batchOf(bins: readonly Add[][]): readonly Add[][] {
  let bytes = 0;
  return bins.filter((bin) => {
    bytes += bytesOf(bin);
    return bytes <= COMMIT_BYTES;
  });
}

async function merge(table: Tended, metaData: MetaData, bin: readonly Add[]): Promise<Add[]> {
  const fields = fieldsOf(metaData);
  const { duck } = table.workshop;
  return await table.locals(bin, async (paths) => {
    const query = `SELECT ${listOf(fields)} FROM ${rowsOf(fields, paths)}`;
    const day = bin[0]!.partitionValues[DATE_FIELD]!;
    const add = await duck.inTurn(0, (connection) => store(table, metaData, connection, query, day));
    return add ? [add] : [];
  });
}

/** Rounded: it decides about nothing but an order. */
function firstLsn({ stats }: Add): number {
  const { minValues } = JSON.parse(stats ?? '{}') as { minValues?: { _commit_lsn?: number } };
  return minValues?._commit_lsn ?? 0;
}

function bytesOf(files: readonly Add[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

function recordsIn(stats: string | undefined): number {
  return (JSON.parse(stats ?? '{"numRecords":0}') as { numRecords: number }).numRecords;
}
