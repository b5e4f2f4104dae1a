import type { Transaction } from '../../src/core/batch.ts';
import type { ByteWriter } from '../../src/core/bytes.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import type { Tuple } from '../../src/core/tuple.ts';
import { connectSchema } from './connect-schema.ts';
import { type Format, type Marker, milliseconds, type RowEvent } from './event.ts';
import { RowJson } from './row-json.ts';

/** Debezium's own word for a value that Postgres did not send. */
const UNAVAILABLE = '__debezium_unavailable_value';

export interface DebeziumOptions {
  readonly pipeline: string;
  readonly int8: 'number' | 'string';
  /** With each message, for consumers that want one (Kafka Connect's JSON with `schemas.enable`). */
  readonly schema: 'inline' | 'none';
}

/** Debezium's envelope: the row before and after, where it came from, and what happened to it. */
export class Debezium implements Format {
  readonly #row: RowJson;
  readonly #pipeline: string;
  /** What stands before and behind the envelope. */
  readonly #head: string;
  readonly #tail: string;
  /** Of `source`, what is the same in all messages of the table. */
  readonly #place: string;

  constructor(table: RedactedTable, { pipeline, int8, schema }: DebeziumOptions) {
    const notFinite = schema === 'inline' ? 'null' : 'text';
    this.#row = new RowJson(table, { int8, unavailable: UNAVAILABLE, notFinite });
    this.#pipeline = pipeline;
    const isInline = schema === 'inline';
    this.#head = isInline ? `{"schema":${JSON.stringify(connectSchema(table, int8))},"payload":{` : '{';
    this.#tail = isInline ? '}}' : '}';
    this.#place = `"schema":${JSON.stringify(table.schema)},"table":${JSON.stringify(table.relation)}`;
  }

  row(out: ByteWriter, { op, transaction, seq, before, beforeIs, after }: RowEvent): void {
    out.text(`${this.#head}"before":`);
    this.#image(out, op === 'c' ? null : before, beforeIs, null); // of a row that came from another key it is that one's
    out.text(',"after":');
    this.#image(out, after, 'row', beforeIs === 'row' ? before : null);
    this.#end(out, op, transaction, seq);
  }

  marker(out: ByteWriter, { op, transaction, seq }: Marker): boolean {
    out.text(`${this.#head}"before":null,"after":null`);
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
    const { clsn, xid } = transaction;
    const name = `"version":"1","connector":"pgveil","name":${JSON.stringify(this.#pipeline)}`;
    const source = `${name},"ts_ms":${milliseconds(transaction)},"snapshot":"${xid === null}",${this.#place}`;
    out.text(`,"source":{${source},"txId":${xid},"lsn":${clsn},"seq":${seq}}`);
    out.text(`,"op":"${op}","ts_ms":${Date.now()}${this.#tail}`);
  }
}
