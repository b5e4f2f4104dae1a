import type { ByteWriter } from '../../src/core/bytes.ts';

const TAB = 0x09;

/** A line of COPY text, with the columns that it says nothing about. */
interface Line {
  readonly start: number;
  readonly end: number;
  readonly unchanged: readonly number[];
}

/** Appends to `out`, which holds both lines, the newer one completed by the older. Returns what neither says anything about. */
export function mergeLines(out: ByteWriter, newer: Line, older: Line): readonly number[] {
  const ends = fieldEnds(out.bytes, newer);
  const olderEnds = fieldEnds(out.bytes, older);
  const unchanged: number[] = [];
  for (let column = 0; column < ends.length; column++) {
    const fromOlder = newer.unchanged.includes(column);
    if (fromOlder && older.unchanged.includes(column)) unchanged.push(column);
    const line = fromOlder ? older : newer;
    const lineEnds = fromOlder ? olderEnds : ends;
    out.copy(out.bytes, column === 0 ? line.start : lineEnds[column - 1]!, lineEnds[column]!);
  }
  return unchanged;
}

/** Where each field ends, behind its tab or the newline. A tab within a value is escaped, so each one that is met separates. */
function fieldEnds(bytes: Buffer, { start, end }: Line): number[] {
  const ends: number[] = [];
  for (let tab = bytes.indexOf(TAB, start); tab >= 0 && tab < end; tab = bytes.indexOf(TAB, tab + 1))
    ends.push(tab + 1);
  ends.push(end);
  return ends;
}
