import type { Transaction } from '../../../src/core/batch.ts';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { formatLsn } from '../../../src/core/lsn.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { type Bytes, varintSize, writeVarint } from '../client/record-batch.ts';
import { isMarker, type MarkerOp, type RowOp } from './event.ts';

/** Besides those of all messages of one kind: where it is in the stream. */
const PLACE_HEADERS = 2;

/** Of a record that has none. */
export const NO_HEADERS: Bytes = { bytes: Buffer.of(0), start: 0, end: 1 };

/** Headers of a table's records, as they stand in a record: what is the same in many of them is encoded once. */
export class Headers {
  readonly #table: RedactedTable;
  /** By op, those that a definition of the table has in common. */
  readonly #common = new Map<string, Buffer>();
  /** The last transaction's. */
  #transaction: Transaction | null = null;
  #lsn: Buffer = Buffer.alloc(0);
  readonly #out = new ByteWriter(1024);

  constructor(table: RedactedTable) {
    this.#table = table;
  }

  /** Good until the next call. */
  of(op: RowOp | MarkerOp, transaction: Transaction, seq: number): Bytes {
    if (this.#transaction !== transaction) {
      this.#transaction = transaction;
      this.#lsn = encoded([['commit_lsn', formatLsn(transaction.clsn)]]);
    }
    const out = this.#out;
    out.clear();
    const common = this.#commonOf(op);
    out.append(common);
    out.append(this.#lsn);
    out.append(SEQ);
    const digits = String(seq);
    out.reserve(1);
    writeVarint(out, digits.length);
    out.text(digits);
    return { bytes: out.bytes, start: 0, end: out.length };
  }

  #commonOf(op: RowOp | MarkerOp): Buffer {
    let common = this.#common.get(op);
    if (!common) {
      const { name, plan, generation } = this.#table;
      const texts: (readonly [string, string])[] = [
        ['op', op],
        ['table', name],
        ['plan', plan],
        ['generation', String(generation)],
      ];
      // Kafka Connect filters by a header's name alone.
      if (isMarker(op)) texts.push(['marker', 'true']);
      const count = new ByteWriter(8);
      writeVarint(count, texts.length + PLACE_HEADERS);
      common = Buffer.concat([count.view(), encoded(texts)]);
      this.#common.set(op, common);
    }
    return common;
  }
}

/** The name of the last header. */
const SEQ = encoded([['seq', '']]).subarray(0, -1);

function encoded(texts: readonly (readonly [string, string])[]): Buffer {
  const out = new ByteWriter(256);
  for (const [name, value] of texts) writeHeader(out, name, value);
  return out.view();
}

function writeHeader(out: ByteWriter, name: string, value: string): void {
  for (const text of [`pgveil.${name}`, value]) {
    const length = Buffer.byteLength(text);
    out.reserve(varintSize(length) + length);
    writeVarint(out, length);
    out.text(text);
  }
}
