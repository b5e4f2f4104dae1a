import { KeyText } from '../../../src/core/key-text.ts';
import { CELL_TEXT, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import type { TwinTable } from '../twin-table.ts';
import { TextArray } from './text-array.ts';

/** Rows as columns: an array for each column less the omitted ones, and one of the keys, as parameters of a statement. */
export function rowArrays(
  { source, keyByValue }: TwinTable,
  rows: readonly Tuple<'redacted'>[],
  omitted: readonly number[],
): { readonly cells: Buffer[]; readonly keys: Buffer } {
  const arrays = source.columns.map((_, column) => (omitted.includes(column) ? null : new TextArray()));
  const keys = new TextArray();
  const key = new KeyText(source, keyByValue);
  const cells = new CellReader();
  for (const row of rows) {
    cells.open(row);
    for (const array of arrays) {
      cells.next();
      if (cells.kind === CELL_TEXT) array?.add(cells.bytes, cells.start, cells.end);
      else array?.addNull();
    }
    key.read(row);
    keys.add(key.bytes, key.start, key.end);
  }
  return { cells: arrays.flatMap((array) => (array ? [array.finish()] : [])), keys: keys.finish() };
}
