import type { ClientBase } from 'pg';
import { type CopyIn, copyIn } from '../../src/postgres/copy.ts';
import { columnList, type TwinTable } from './twin-table.ts';

/** COPY … FROM STDIN of encoded rows into a relation with the columns of `table`. */
export function startCopy(client: ClientBase, table: TwinTable, into: string): CopyIn {
  return copyIn(client, `COPY ${into} (${columnList(table)}) FROM STDIN`, 'twin');
}

export async function copyLines(client: ClientBase, table: TwinTable, into: string, lines: Buffer): Promise<void> {
  const copy = startCopy(client, table, into);
  await copy.write(lines);
  await copy.end();
}
