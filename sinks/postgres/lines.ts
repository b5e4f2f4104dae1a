import type { ClientBase } from 'pg';
import { type CopyIn, copyIn } from '../../src/postgres/copy.ts';
import { columnList, type TwinTable } from './twin-table.ts';

/** COPY … FROM STDIN of encoded rows. */
export function startCopy(client: ClientBase, table: TwinTable): CopyIn {
  return copyIn(client, `COPY ${table.generation} (${columnList(table)}) FROM STDIN`, 'twin');
}
