import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AvroDebezium } from '../../../../../sinks/kafka/format/avro/debezium.ts';
import { AvroFlat } from '../../../../../sinks/kafka/format/avro/flat.ts';
import { avroSchema } from '../../../../../sinks/kafka/format/avro/schema.ts';
import { envelopeSchema } from '../../../../../sinks/kafka/format/connect-schema.ts';
import { Debezium } from '../../../../../sinks/kafka/format/debezium.ts';
import type { Format, RowEvent } from '../../../../../sinks/kafka/format/event.ts';
import { Flat } from '../../../../../sinks/kafka/format/flat.ts';
import { flatSchema } from '../../../../../sinks/kafka/format/flat-schema.ts';
import { ByteWriter } from '../../../../../src/core/bytes.ts';
import { type Row, sketchTable, tuple, UNCHANGED } from '../../../../support/batches.ts';
import { decodeAvro } from '../../../../support/kafka/avro.ts';
import { range } from '../../parts.ts';

const COLUMNS = {
  id: 'bigint',
  'Order Items': 'text',
  note: 'text',
  small: 'smallint',
  count: 'integer',
  weight: 'double precision',
  height: 'real',
  paid: 'numeric(12,2)',
  ok: 'boolean',
  seen: 'timestamp with time zone',
};
const table = sketchTable({ relation: 'Über all', columns: COLUMNS, key: ['id'] });
const ROW: Row = [
  '9007199254740993',
  'a "quote"\né',
  null,
  '-3',
  '70000',
  '1e-05',
  '1.5',
  '12.50',
  't',
  '2026-01-01 00:00:00+00',
];
const OLD: Row = ['9007199254740993', 'b', 'large', null, null, null, null, null, 'f', null];
const KEY: Row = ['7', ...Array<null>(9).fill(null)];

const base = { transaction: { clsn: 0x1f8n, xid: 700, commitTime: 0n }, seq: 3, key: range('9007199254740993') };
const EVENTS: Readonly<Record<string, RowEvent>> = {
  'a read': event({ op: 'r', after: tuple(ROW), transaction: { ...base.transaction, xid: null } }),
  'a create': event({ op: 'c', after: tuple(ROW) }),
  'an update': event({ op: 'u', after: tuple(ROW), before: tuple(OLD), beforeIs: 'row' }),
  'an update that leaves a large value alone': event({ op: 'u', after: tuple(ROW.with(2, UNCHANGED)) }),
  'one of which the row before is known': event({
    op: 'u',
    after: tuple(ROW.with(2, UNCHANGED)),
    before: tuple(OLD),
    beforeIs: 'row',
  }),
  'a delete of a known row': event({ op: 'd', before: tuple(OLD), beforeIs: 'row' }),
  'a delete': event({ op: 'd', before: tuple(KEY) }),
  'a row from another key': event({ op: 'c', after: tuple(ROW), before: tuple(KEY), previousKey: range('7') }),
};

function event(given: Partial<RowEvent>): RowEvent {
  return { ...base, op: 'c', previousKey: null, before: null, beforeIs: 'key', after: null, ...given };
}

function bytes(format: Format, of: RowEvent): Buffer {
  const out = new ByteWriter(16);
  format.row(out, of);
  return Buffer.from(out.view());
}

describe('what Avro says is what JSON says', () => {
  for (const [what, of] of Object.entries(EVENTS)) {
    test(`of ${what}, in flat`, () => {
      const avro = decodeAvro(avroSchema(flatSchema(table, 'number')), bytes(new AvroFlat(table, 'number'), of));
      assert.deepEqual(plain(avro), plain(exact(bytes(new Flat(table, 'number'), of))));
    });

    test(`of ${what}, in debezium`, () => {
      const avro = decodeAvro(
        avroSchema(envelopeSchema(table, 'number')),
        bytes(new AvroDebezium(table, 'shop', 'number'), of),
      );
      const options = { pipeline: 'shop', int8: 'number', schema: 'none' } as const;
      assert.deepEqual(plain(avro), plain(exact(bytes(new Debezium(table, options), of))));
    });
  }
});

test('a bigint is a text where readers want it so', () => {
  const row = decodeAvro(
    avroSchema(flatSchema(table, 'string')),
    bytes(new AvroFlat(table, 'string'), EVENTS['a create']!),
  );
  assert.equal((row as { id: unknown }).id, '9007199254740993');
});

test('a marker has an envelope without images, and in flat no value', () => {
  const marker = { op: 't', transaction: base.transaction, seq: 3 } as const;
  const out = new ByteWriter(16);
  assert.equal(new AvroFlat(table, 'number').marker(), false);
  assert.equal(new AvroDebezium(table, 'shop', 'number').marker(out, marker), true);
  const { before, after, op } = decodeAvro(avroSchema(envelopeSchema(table, 'number')), out.view()) as Record<
    string,
    unknown
  >;
  assert.deepEqual({ before, after, op }, { before: null, after: null, op: 't' });
});

test('a schema has names that Avro takes, beside them those of the source, and null first wherever null may be', () => {
  const { name, fields } = avroSchema(flatSchema(table, 'number')) as {
    name: string;
    fields: Record<string, unknown>[];
  };
  assert.equal(name, 'public._xc3_x9cber_x20all.Row');
  const of = (wanted: string) => fields.find((field) => field.name === wanted);
  assert.deepEqual(of('Order_x20Items'), {
    name: 'Order_x20Items',
    'pgveil.name': 'Order Items',
    type: ['null', 'string'],
    default: null,
  });
  assert.deepEqual(of('small')!.type, ['null', { type: 'int', 'connect.type': 'int16' }]);
  const columns = fields.slice(1, 1 + Object.keys(COLUMNS).length);
  assert.ok(columns.every((field) => field.default === null));
});

test('a column that nobody decided on is in no schema and in no message', () => {
  const withheld = { ...table, columns: table.columns.map((one) => ({ ...one, withheld: one.name === 'note' })) };
  const schema = avroSchema(flatSchema(withheld, 'number'));
  assert.doesNotMatch(JSON.stringify(schema), /"note"/);
  const row = decodeAvro(schema, bytes(new AvroFlat(withheld, 'number'), EVENTS['a create']!)) as Record<
    string,
    unknown
  >;
  assert.deepEqual([row.small, row.ok], [-3, true]);
});

/** Integers as texts, which have all their digits. */
function exact(json: Buffer): unknown {
  const reviver = (_: string, value: unknown, { source }: { source?: string }) =>
    Number.isInteger(value) && /^-?\d+$/.test(source ?? '') ? BigInt(source!) : value;
  return JSON.parse(String(json), reviver as Parameters<typeof JSON.parse>[1]);
}

/** Without what is null or empty, or says when it was made; names as the source has them, and all integers alike. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint' || Number.isInteger(value)) return `integer ${value}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(
    ([name, inner]) =>
      inner !== null && !(Array.isArray(inner) && inner.length === 0) && !(name === 'ts_ms' && 'op' in value),
  );
  return Object.fromEntries(
    entries.map(([name, inner]) => [name === 'Order_x20Items' ? 'Order Items' : name, plain(inner)]),
  );
}
