import type { Transaction } from '../../../src/core/batch.ts';
import type { ByteWriter } from '../../../src/core/bytes.ts';
import { unixMs } from '../../../src/core/postgres-time.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import { envelopeSchema } from './connect-schema.ts';
import type { Format, Marker, RowEvent } from './event.ts';
import { RowJson } from './row-json.ts';

/** Debezium's own word for a value that Postgres did not send. */
export const UNAVAILABLE = '__debezium_unavailable_value';

const AFTER = Buffer.from(',"after":');

export interface DebeziumOptions {
  readonly pipeline: string;
  readonly int8: 'number' | 'string';
  /** `inline`: with each message, for consumers that want one (Kafka Connect's JSON with `schemas.enable`). */
  readonly schema: 'inline' | 'none' | 'registry';
}

/** Debezium's envelope: the row before and after, where it came from, and what happened to it. */
export class Debezium implements Format {
  readonly #row: RowJson;
  readonly #pipeline: string;
  /** What stands before and behind the envelope. */
  readonly #head: Buffer;
  readonly #tail: string;
  /** The last one, and what is the same in many of its messages. */
  #transaction: Transaction | null = null;
  #source: Buffer = Buffer.alloc(0);
  readonly #ends = new Map<string, Buffer>();
  /** Of `source`, what is the same in all messages of the table. */
  readonly #place: string;

  constructor(table: RedactedTable, { pipeline, int8, schema }: DebeziumOptions) {
    const notFinite = schema === 'none' ? 'text' : 'null';
    this.#row = new RowJson(table, { int8, unavailable: UNAVAILABLE, notFinite });
    this.#pipeline = pipeline;
    const isInline = schema === 'inline';
    const head = isInline ? `{"schema":${JSON.stringify(envelopeSchema(table, int8))},"payload":{` : '{';
    this.#head = Buffer.from(`${head}"before":`);
    this.#tail = isInline ? '}}' : '}';
    this.#place = `"schema":${JSON.stringify(table.schema)},"table":${JSON.stringify(table.relation)}`;
  }

  row(out: ByteWriter, { op, transaction, seq, before, beforeIs, after }: RowEvent): void {
    out.append(this.#head);
    this.#image(out, op === 'c' ? null : before, beforeIs, null); // of a row that came from another key it is that one's
    out.append(AFTER);
    this.#image(out, after, 'row', beforeIs === 'row' ? before : null);
    this.#end(out, op, transaction, seq);
  }

  marker(out: ByteWriter, { op, transaction, seq }: Marker): boolean {
    out.append(this.#head);
    out.text('null,"after":null');
    this.#end(out, op === 't' ? 't' : 'm', transaction, seq);
    return true;
  }

  #image(out: ByteWriter, image: Tuple<'redacted'> | null, imageIs: 'key' | 'row', older: Tuple<'redacted'> | null) {
    if (!image) return out.text('null');
    out.text('{');
    if (imageIs === 'row') this.#row.write(out, image, older);
    else this.#row.writeKey(out, image, true);
    out.length--; // the last comma: a table has a key, and so a field
    out.text('}');
  }

  #end(out: ByteWriter, op: string, transaction: Transaction, seq: number): void {
    if (this.#transaction !== transaction) {
      this.#transaction = transaction;
      this.#source = this.#sourceOf(transaction);
      this.#ends.clear();
    }
    out.append(this.#source);
    out.text(String(seq));
    let end = this.#ends.get(op);
    if (!end) {
      end = Buffer.from(`},"op":"${op}","ts_ms":${Date.now()}${this.#tail}`);
      this.#ends.set(op, end);
    }
    out.append(end);
  }

  /** As far as the change's number. */
  #sourceOf(transaction: Transaction): Buffer {
    const { clsn, xid } = transaction;
    const name = `"version":"1","connector":"pgveil","name":${JSON.stringify(this.#pipeline)}`;
    const source = `${name},"ts_ms":${unixMs(transaction.commitTime)},"snapshot":"${xid === null}",${this.#place}`;
    return Buffer.from(`,"source":{${source},"txId":${xid},"lsn":${clsn},"seq":`);
  }
}
