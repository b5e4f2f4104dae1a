import type { Transaction } from '../../../src/core/batch.ts';
import type { ByteWriter } from '../../../src/core/bytes.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import type { Bytes } from '../client/record-batch.ts';

/** Read, created, updated, deleted: as consumers know them from Debezium. */
export type RowOp = 'r' | 'c' | 'u' | 'd';
/** What concerns all rows of a table at once. */
export type MarkerOp = 't' | 'copy_begin' | 'copy_end';

export function isMarker(op: RowOp | MarkerOp): op is MarkerOp {
  return op === 't' || op === 'copy_begin' || op === 'copy_end';
}

/** A key that begins with this byte is no row's: theirs are UTF-8, which has no such byte. */
const NO_ROW = 0xff;

export function markerKey(op: MarkerOp): Buffer {
  return Buffer.concat([Buffer.of(NO_ROW), Buffer.from(op === 't' ? 'truncate' : op)]);
}

export function isRowKey(key: Buffer): boolean {
  return key[0] !== NO_ROW;
}

/** What happened to one row under one key. */
export interface RowEvent {
  readonly op: RowOp;
  readonly transaction: Transaction;
  readonly seq: number;
  readonly key: Bytes;
  /** Where the row came from under another key. */
  readonly previousKey: Bytes | null;
  readonly before: Tuple<'redacted'> | null;
  readonly beforeIs: 'key' | 'row';
  readonly after: Tuple<'redacted'> | null;
}

export interface Marker {
  readonly op: MarkerOp;
  readonly transaction: Transaction;
  readonly seq: number;
}

/** How the values of a table's messages look. */
export interface Format {
  /** Appends the value of an event. */
  row(out: ByteWriter, event: RowEvent): void;
  /** Appends the value of a marker; false where it has none. */
  marker(out: ByteWriter, marker: Marker): boolean;
}

/** `schemaId`: of a registry's; null where none has the schemas. */
export type MakeFormat = (table: RedactedTable, schemaId: number | null) => Format;
