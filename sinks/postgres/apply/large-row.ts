import { setImmediate as nextTurn } from 'node:timers/promises';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { KeyText } from '../../../src/core/key-text.ts';
import { CELL_TEXT, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import { needsEscape, writeField } from '../../../src/postgres/copy-text.ts';
import type { CopyIn } from '../../../src/postgres/pipeline.ts';
import type { TwinTable } from '../twin-table.ts';

/** From so many bytes on a row is not encoded in one go, with its whole line beside it in memory. */
const LARGE = 1024 * 1024;

/** Encoded in a millisecond or two. */
const PIECE_BYTES = 256 * 1024;

const TAB = Buffer.from('\t');
const NEWLINE = Buffer.from('\n');
const NULL = Buffer.from('\\N');

export function isLarge({ start, end }: Tuple<'redacted'>): boolean {
  return end - start >= LARGE;
}

/** Sends the line that RowEncoder would make of the row, in pieces; most of them are views on the row. */
export async function sendRow(copy: CopyIn, table: TwinTable, row: Tuple<'redacted'>): Promise<void> {
  for (const piece of linePieces(table, row)) {
    await copy.write(piece);
    await nextTurn();
  }
}

export function* linePieces({ source, keyByValue }: TwinTable, row: Tuple<'redacted'>): Generator<Buffer> {
  const cells = new CellReader();
  const count = cells.open(row);
  for (let column = 0; column < count; column++) {
    cells.next();
    if (cells.kind === CELL_TEXT) yield* fieldPieces(cells.bytes, cells.start, cells.end);
    else yield NULL;
    yield TAB;
  }
  const key = new KeyText(source, keyByValue);
  key.read(row);
  yield* fieldPieces(key.bytes, key.start, key.end);
  yield NEWLINE;
}

/** A field may be cut anywhere: what is escaped are single bytes. */
function* fieldPieces(bytes: Buffer, start: number, end: number): Generator<Buffer> {
  for (let from = start; from < end; from += PIECE_BYTES) {
    const to = Math.min(from + PIECE_BYTES, end);
    const piece = bytes.subarray(from, to);
    yield needsEscape(piece, 0, piece.length) ? escaped(piece) : piece;
  }
}

function escaped(piece: Buffer): Buffer {
  const out = new ByteWriter(piece.length * 2);
  writeField(out, piece, 0, piece.length);
  return out.view();
}
