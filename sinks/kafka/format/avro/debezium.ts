import type { Transaction } from '../../../../src/core/batch.ts';
import { ByteWriter } from '../../../../src/core/bytes.ts';
import { unixMs } from '../../../../src/core/postgres-time.ts';
import type { RedactedTable } from '../../../../src/core/table.ts';
import type { Tuple } from '../../../../src/core/tuple.ts';
import { UNAVAILABLE } from '../debezium.ts';
import type { Format, Marker, RowEvent } from '../event.ts';
import { writeBigLong, writeLong, writeNull, writePresent, writeText } from './binary.ts';
import { AvroRow } from './row.ts';

/** Debezium's envelope in Avro, in the order of `envelopeSchema`. */
export class AvroDebezium implements Format {
  readonly #row: AvroRow;
  readonly #table: RedactedTable;
  readonly #pipeline: string;
  /** The last one, and of its `source` all but the change's number. */
  #transaction: Transaction | null = null;
  #source: Buffer = Buffer.alloc(0);

  constructor(table: RedactedTable, pipeline: string, int8: 'number' | 'string') {
    this.#row = new AvroRow(table, int8, UNAVAILABLE);
    this.#table = table;
    this.#pipeline = pipeline;
  }

  row(out: ByteWriter, { op, transaction, seq, before, beforeIs, after }: RowEvent): void {
    this.#image(out, op === 'c' ? null : before, beforeIs, null); // of a row that came from another key it is that one's
    this.#image(out, after, 'row', beforeIs === 'row' ? before : null);
    this.#end(out, op, transaction, seq);
  }

  marker(out: ByteWriter, { op, transaction, seq }: Marker): boolean {
    writeNull(out);
    writeNull(out);
    this.#end(out, op === 't' ? 't' : 'm', transaction, seq);
    return true;
  }

  #image(out: ByteWriter, image: Tuple<'redacted'> | null, imageIs: 'key' | 'row', older: Tuple<'redacted'> | null) {
    if (!image) return writeNull(out);
    writePresent(out);
    if (imageIs === 'row') this.#row.write(out, image, older);
    else this.#row.writeKey(out, image);
  }

  #end(out: ByteWriter, op: string, transaction: Transaction, seq: number): void {
    if (this.#transaction !== transaction) {
      this.#transaction = transaction;
      this.#source = this.#sourceOf(transaction);
    }
    out.append(this.#source);
    writeLong(out, seq);
    writeText(out, op);
    writePresent(out);
    writeLong(out, Date.now());
  }

  #sourceOf(transaction: Transaction): Buffer {
    const { clsn, xid } = transaction;
    const out = new ByteWriter(256);
    for (const text of ['1', 'pgveil', this.#pipeline]) writeText(out, text);
    writeLong(out, unixMs(transaction.commitTime));
    for (const text of [String(xid === null), this.#table.schema, this.#table.relation]) writeText(out, text);
    if (xid === null) writeNull(out);
    else {
      writePresent(out);
      writeLong(out, xid);
    }
    writeBigLong(out, clsn);
    return out.view();
  }
}
