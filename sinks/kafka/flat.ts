import type { ByteWriter } from '../../src/core/bytes.ts';
import { writeJsonText } from '../../src/core/json-text.ts';
import { formatLsn } from '../../src/core/lsn.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { type Format, milliseconds, type RowEvent } from './event.ts';
import { KEY_FIELD } from './message-table.ts';
import { RowJson } from './row-json.ts';

/** One JSON object: the key's text, the row, and behind it what happened to it, in fields that begin with `__`. */
export class Flat implements Format {
  readonly #row: RowJson;

  constructor(table: RedactedTable, int8: 'number' | 'string') {
    this.#row = new RowJson(table, { int8, unavailable: null, notFinite: 'text' });
  }

  row(out: ByteWriter, { op, transaction, seq, key, previousKey, before, beforeIs, after }: RowEvent): void {
    out.text(`{"${KEY_FIELD}":`);
    writeJsonText(out, key.bytes, key.start, key.end);
    out.text(',');
    let unchanged: readonly string[] = [];
    if (after) {
      this.#row.write(out, after, beforeIs === 'row' ? before : null);
      unchanged = this.#row.unchanged;
    } else if (beforeIs === 'row') this.#row.write(out, before!, null);
    else this.#row.writeKey(out, before!, false);
    const place = `"__commit_lsn":"${formatLsn(transaction.clsn)}","__seq":${seq}`;
    out.text(`"__op":"${op}",${place},"__commit_ts_ms":${milliseconds(transaction)}`);
    if (previousKey) {
      out.text(',"__previous_key":');
      writeJsonText(out, previousKey.bytes, previousKey.start, previousKey.end);
    }
    if (unchanged.length > 0) out.text(`,"__unchanged":${JSON.stringify(unchanged)}`);
    out.text('}');
  }

  /** The record's key and headers say it all. */
  marker(): boolean {
    return false;
  }
}
