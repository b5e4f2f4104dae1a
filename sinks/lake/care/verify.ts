import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { Add } from '../delta/action.ts';
import type { Snapshot } from '../delta/snapshot.ts';
import { History } from './history.ts';
import type { Problem, Report } from './problem.ts';
import { fieldsOf } from './shape.ts';
import type { Tended } from './tended.ts';
import { verifyFile } from './verify-file.ts';
import { verifyLog } from './verify-log.ts';
import { verifyRows } from './verify-rows.ts';

export interface Verified {
  readonly table: string;
  /** The oldest version that can be read and the present one; null where there is no table, or its log is damaged. */
  readonly versions: readonly [number, number] | null;
  readonly files: number;
  readonly rows: number;
  readonly problems: readonly Problem[];
}

/**
 * Reads a whole table and holds it against what its log says. `checkpoint` is the pipeline's, read before: what it says is durable must
 * be there by now.
 */
export async function verify(table: Tended, checkpoint: Checkpoint | null): Promise<Verified> {
  const problems: Problem[] = [];
  const report: Report = (about, message) => problems.push({ about, message });
  const read = await verifyLog(table, report);
  const empty = { table: table.name, versions: null, files: 0, rows: 0, problems };
  if (!read || read.last.version < 0) {
    if (read && isStreaming(table, checkpoint)) report('position', 'the checkpoint knows a table that is not there');
    return empty;
  }
  const { first, last } = read;
  const position = verifyPosition(table, last, report);
  const rows = await verifyContent(table, last, position, report);
  return { ...empty, versions: [first, last.version], files: last.files.size, rows };
}

/** How far the table says that it is. Its generation may be below the checkpoint's: that one grows also where another sink alone was copied for. */
function verifyPosition(table: Tended, { metaData, txns }: Snapshot, report: Report): bigint {
  const position = txns.get(`pgveil/${metaData!.configuration['pgveil.pipeline']}/${table.name}`);
  if (position === undefined) report('position', 'the table does not say how far it is');
  return position ?? 0n;
}

function isStreaming({ name }: Tended, checkpoint: Checkpoint | null): boolean {
  return checkpoint?.tables.get(name)?.state.state === 'streaming';
}

async function verifyContent(table: Tended, { metaData, files }: Snapshot, position: bigint, report: Report) {
  const fields = fieldsOf(metaData!);
  const sizes = await sizesOf(table);
  return await table.workshop.duck.inTurn(0, async (connection) => {
    const history = await History.begin(connection);
    for (const [index, add] of [...files.values()].entries()) {
      if (index % 100 === 99) table.say(`read ${index + 1} of ${files.size} files`);
      const wrong = wrongSize(add, sizes);
      if (wrong) {
        report('file', `${add.path} ${wrong}`);
        continue;
      }
      await table.local(add, null, async (path) => {
        try {
          for (const what of await verifyFile(connection, fields, add, path)) report('file', `${add.path} ${what}`);
          await history.take(fields, index, path);
        } catch {
          report('file', `${add.path} cannot be read`);
        }
      });
    }
    for (const message of await verifyRows(history, position)) report('rows', message);
    return await history.rows();
  });
}

async function sizesOf({ workshop, path }: Tended): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { name, size } of workshop.storage.list(`${path}/`)) sizes.set(name.slice(path.length + 1), size);
  return sizes;
}

function wrongSize({ path, size }: Add, sizes: ReadonlyMap<string, number>): string | null {
  const found = sizes.get(decodeURIComponent(path));
  if (found === undefined) return 'is not there';
  return found === size ? null : 'has another size than the log says';
}
