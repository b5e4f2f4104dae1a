import { CellReader, type Tuple } from '../../../src/core/tuple.ts';
import type { Row } from './pgoutput.ts';

/** The row without the cells at these positions. Its bytes are written over, so nobody else may read them. */
export function omitFrom({ op, before, beforeIs, after }: Row, positions: readonly number[]): Row {
  return { op, before: before && omitCells(before, positions), beforeIs, after: after && omitCells(after, positions) };
}

function omitCells(tuple: Tuple<'raw'>, positions: readonly number[]): Tuple<'raw'> {
  const { bytes, start } = tuple;
  const reader = new CellReader();
  const cells = reader.open(tuple);
  let from = start + 2;
  let end = from;
  for (let i = 0; i < cells; i++) {
    reader.next();
    if (!positions.includes(i)) {
      bytes.copyWithin(end, from, reader.end);
      end += reader.end - from;
    }
    from = reader.end;
  }
  bytes.writeUInt16BE(cells - positions.length, start);
  return { bytes, start, end };
}
