import type { Transaction } from '../../../src/core/batch.ts';
import type { ByteWriter } from '../../../src/core/bytes.ts';
import { writeJsonText } from '../../../src/core/json-text.ts';
import { formatLsn } from '../../../src/core/lsn.ts';
import { unixMs } from '../../../src/core/postgres-time.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Format, RowEvent, RowOp } from './event.ts';
import { KEY_FIELD } from './message-table.ts';
import { RowJson } from './row-json.ts';

const HEAD = Buffer.from(`{"${KEY_FIELD}":`);

/** One JSON object: the key's text, the row, and behind it what happened to it, in fields that begin with `__`. */
export class Flat implements Format {
  readonly #row: RowJson;
  /** The last one. */
  #transaction: Transaction | null = null;
  readonly #tails = new Map<RowOp, Buffer>();

  constructor(table: RedactedTable, int8: 'number' | 'string') {
    this.#row = new RowJson(table, { int8, unavailable: null, notFinite: 'text' });
  }

  row(out: ByteWriter, { op, transaction, seq, key, previousKey, before, beforeIs, after }: RowEvent): void {
    out.append(HEAD);
    writeJsonText(out, key.bytes, key.start, key.end);
    out.text(',');
    let unchanged: readonly string[] = [];
    if (after) {
      this.#row.write(out, after, beforeIs === 'row' ? before : null);
      unchanged = this.#row.unchanged;
    } else if (beforeIs === 'row') this.#row.write(out, before!, null);
    else this.#row.writeKey(out, before!, false);
    out.append(this.#tail(op, transaction));
    out.text(String(seq));
    if (previousKey) {
      out.text(',"__previous_key":');
      writeJsonText(out, previousKey.bytes, previousKey.start, previousKey.end);
    }
    if (unchanged.length > 0) out.text(`,"__unchanged":${JSON.stringify(unchanged)}`);
    out.text('}');
  }

  /** What is the same in many messages of a transaction: all of it but the number. */
  #tail(op: RowOp, transaction: Transaction): Buffer {
    if (this.#transaction !== transaction) {
      this.#transaction = transaction;
      this.#tails.clear();
    }
    let tail = this.#tails.get(op);
    if (!tail) {
      const [lsn, ms] = [formatLsn(transaction.clsn), unixMs(transaction.commitTime)];
      tail = Buffer.from(`"__op":"${op}","__commit_lsn":"${lsn}","__commit_ts_ms":${ms},"__seq":`);
      this.#tails.set(op, tail);
    }
    return tail;
  }

  /** The record's key and headers say it all. */
  marker(): boolean {
    return false;
  }
}
