import { columnList, type TwinTable } from './twin-table.ts';

/** The COPY of encoded rows. */
export function copySql(table: TwinTable): string {
  return `COPY ${table.generation} (${columnList(table)}) FROM STDIN`;
}
