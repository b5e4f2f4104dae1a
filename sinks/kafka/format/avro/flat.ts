import type { Transaction } from '../../../../src/core/batch.ts';
import { ByteWriter } from '../../../../src/core/bytes.ts';
import { formatLsn } from '../../../../src/core/lsn.ts';
import { unixMs } from '../../../../src/core/postgres-time.ts';
import type { RedactedTable } from '../../../../src/core/table.ts';
import type { Format, RowEvent, RowOp } from '../event.ts';
import { writeLong, writeNull, writePresent, writeString, writeText } from './binary.ts';
import { AvroRow } from './row.ts';

/** `flat` in Avro, in the order of `flatSchema`. */
export class AvroFlat implements Format {
  readonly #row: AvroRow;
  /** The last one, and what is the same in many of its messages. */
  #transaction: Transaction | null = null;
  readonly #tails = new Map<RowOp, Buffer>();

  constructor(table: RedactedTable, int8: 'number' | 'string') {
    this.#row = new AvroRow(table, int8, null);
  }

  row(out: ByteWriter, { op, transaction, seq, key, previousKey, before, beforeIs, after }: RowEvent): void {
    writeString(out, key.bytes, key.start, key.end);
    if (after) this.#row.write(out, after, beforeIs === 'row' ? before : null);
    else if (beforeIs === 'row') this.#row.write(out, before!, null);
    else this.#row.writeKey(out, before!);
    out.append(this.#tail(op, transaction));
    writeLong(out, seq);
    if (previousKey) {
      writePresent(out);
      writeString(out, previousKey.bytes, previousKey.start, previousKey.end);
    } else writeNull(out);
    writeNames(out, after ? this.#row.unchanged : []);
  }

  /** Between the row and the change's number. */
  #tail(op: RowOp, transaction: Transaction): Buffer {
    if (this.#transaction !== transaction) {
      this.#transaction = transaction;
      this.#tails.clear();
    }
    let tail = this.#tails.get(op);
    if (!tail) {
      const out = new ByteWriter(64);
      writeText(out, op);
      writeText(out, formatLsn(transaction.clsn));
      writeLong(out, unixMs(transaction.commitTime));
      tail = out.view();
      this.#tails.set(op, tail);
    }
    return tail;
  }

  /** The record's key and headers say it all. */
  marker(): boolean {
    return false;
  }
}

/** An array of strings. */
function writeNames(out: ByteWriter, names: readonly string[]): void {
  if (names.length > 0) writeLong(out, names.length);
  for (const name of names) writeText(out, name);
  writeLong(out, 0); // no more blocks
}
