import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bytes } from '../../../sinks/kafka/client/record-batch.ts';
import type { KafkaTransaction } from '../../../sinks/kafka/client/transaction.ts';
import { Debezium } from '../../../sinks/kafka/format/debezium.ts';
import type { Format, MakeFormat } from '../../../sinks/kafka/format/event.ts';
import { Flat } from '../../../sinks/kafka/format/flat.ts';
import { Messages } from '../../../sinks/kafka/messages.ts';
import type { Change } from '../../../src/core/batch.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { insert, type Row, reads, remove, sketchTable, truncate, UNCHANGED, update } from '../../support/batches.ts';

interface Sent {
  readonly partition: number;
  readonly key: string;
  readonly value: unknown;
  readonly headers: string;
}

/** Messages of one table with two partitions; what they give stands in a list. */
function messagesOf(make: MakeFormat, table: RedactedTable, maxMessageBytes = 1_000_000) {
  const topic = { name: 'topic', partitions: 2, maxMessageBytes, isCompacted: false };
  const format: Format = make(table, null);
  const messages = new Messages(table, topic, format);
  return (change: Change<'redacted'>): Sent[] => {
    const sent: Sent[] = [];
    const add = (_: string, partition: number, key: Bytes, value: Bytes | null, headers: Bytes) =>
      sent.push({
        partition,
        key: textOf(key, 'latin1'),
        value: value && JSON.parse(textOf(value)),
        headers: textOf(headers),
      });
    messages.add({ add } as unknown as KafkaTransaction, change);
    return sent;
  };
}

function textOf({ bytes, start, end }: Bytes, encoding: BufferEncoding = 'utf8'): string {
  return bytes.toString(encoding, start, end);
}

const COLUMNS = {
  id: 'bigint',
  name: 'text',
  note: 'text',
  weight: 'double precision',
  paid: 'numeric(12,2)',
  ok: 'boolean',
};
const table = (identity: RedactedTable['identity'] = 'default') =>
  sketchTable({ relation: 'person', columns: COLUMNS, key: ['id'], identity });
const flat: MakeFormat = (of) => new Flat(of, 'number');
const ROW: Row = ['9007199254740993', 'a "quote"\n\u0001é', null, '1e-05', '12.50', 't'];

describe('flat', () => {
  test('is the key, the row and what happened to it; numbers that every reader can hold are numbers', () => {
    const [sent] = messagesOf(flat, table())({ ...insert(table(), ROW), seq: 7 });
    assert.deepEqual(sent!.value, {
      source_primary_key: '9007199254740993',
      id: Number('9007199254740993'),
      name: 'a "quote"\n\u0001é',
      note: null,
      weight: 0.00001,
      paid: '12.50',
      ok: true,
      __op: 'c',
      __commit_lsn: '0/1F8',
      __seq: 7,
      __commit_ts_ms: 946_684_800_000,
    });
    assert.equal(sent!.key, '9007199254740993');
    for (const [name, value] of Object.entries({
      op: 'c',
      table: 'public.person',
      plan: 'plan',
      generation: '1',
      commit_lsn: '0/1F8',
      seq: '7',
    })) {
      assert.ok(sent!.headers.includes(`pgveil.${name}${String.fromCharCode(2 * value.length)}${value}`), name);
    }
  });

  test('has the bigint as a text where readers want it so', () => {
    const [sent] = messagesOf((of) => new Flat(of, 'string'), table())(insert(table(), ROW));
    assert.equal((sent!.value as { id: unknown }).id, '9007199254740993');
  });

  test('has floats that JSON has no number for as texts', () => {
    for (const weight of ['NaN', 'Infinity', '-Infinity']) {
      const [sent] = messagesOf(flat, table())(insert(table(), ['1', 'a', null, weight, null, null]));
      assert.equal((sent!.value as { weight: unknown }).weight, weight);
    }
  });

  test('of a delete is what is known of the row, and a tombstone', () => {
    const key: Row = ['1', null, null, null, null, null];
    const [event, tombstone] = messagesOf(flat, table())(remove(table(), key));
    const { id, name, __op } = event!.value as Record<string, unknown>;
    assert.deepEqual({ id, name, __op }, { id: 1, name: undefined, __op: 'd' });
    assert.deepEqual([tombstone!.key, tombstone!.value, tombstone!.partition], ['1', null, event!.partition]);
    const [whole] = messagesOf(flat, table('full'))(remove(table('full'), ['1', 'a', 'b', null, null, 'f']));
    assert.equal((whole!.value as { note: unknown }).note, 'b');
  });

  test('of a key change is what goes and what comes', () => {
    const change = update(table(), ['2', 'a', UNCHANGED, null, null, null], ['1', null, null, null, null, null]);
    const sent = messagesOf(flat, table())(change);
    assert.deepEqual(
      sent.map(({ key, value }) => [key, (value as { __op?: string } | null)?.__op]),
      [
        ['1', 'd'],
        ['1', undefined],
        ['2', 'c'],
      ],
    );
    const created = sent[2]!.value as Record<string, unknown>;
    assert.deepEqual([created.__previous_key, created.__unchanged, created.note], ['1', ['note'], undefined]);
  });

  test('fills a value that was not sent from the row before, where that is whole', () => {
    const change = update(
      table('full'),
      ['1', 'A', UNCHANGED, null, null, null],
      ['1', 'a', 'large', null, null, null],
    );
    const [sent] = messagesOf(flat, table('full'))(change);
    const { note, __unchanged, __op } = sent!.value as Record<string, unknown>;
    assert.deepEqual([note, __unchanged, __op], ['large', undefined, 'u']);
  });

  test('of a truncate is one record without a value to every partition, under a key that no row can have', () => {
    const sent = messagesOf(flat, table())(truncate(table()));
    assert.deepEqual(
      sent.map(({ partition, key, value }) => [partition, key, value]),
      [
        [0, '\u00fftruncate', null],
        [1, '\u00fftruncate', null],
      ],
    );
  });

  test('has a header of their own on records that are no row’s, for consumers that filter by its name', () => {
    const isMarked = ({ headers }: Sent) => headers.includes('pgveil.marker');
    const of = messagesOf(flat, table());
    assert.ok(of(truncate(table())).every(isMarked));
    assert.ok(!of(insert(table(), ROW)).some(isMarked));
    assert.ok(!of(remove(table(), ROW)).some(isMarked));
  });

  test('of a column that nobody decided on has nothing', () => {
    const withheld = { ...table(), columns: table().columns.map((one) => ({ ...one, withheld: one.name === 'name' })) };
    const [sent] = messagesOf(flat, withheld)(insert(withheld, ROW));
    assert.ok(!Object.hasOwn(sent!.value as object, 'name'));
  });
});

describe('debezium', () => {
  const plain: MakeFormat = (of) => new Debezium(of, { pipeline: 'shop', int8: 'number', schema: 'none' });

  test('is the envelope of a read, a create, an update and a delete', () => {
    const full = table('full');
    const of = messagesOf(plain, full);
    const before: Row = ['1', 'a', null, null, null, null];
    const after: Row = ['1', 'b', null, '2', null, 'f'];
    const image = { id: 1, name: 'a', note: null, weight: null, paid: null, ok: null };
    const changed = { ...image, name: 'b', weight: 2, ok: false };
    const shown = (change: Change<'redacted'>) => {
      const { op, before, after } = of(change)[0]!.value as Record<string, unknown>;
      return { op, before, after };
    };
    assert.deepEqual(shown(reads(full, 1, [before]).changes[0]!), { op: 'r', before: null, after: image });
    assert.deepEqual(shown(insert(full, before)), { op: 'c', before: null, after: image });
    assert.deepEqual(shown(update(full, after, before)), { op: 'u', before: image, after: changed });
    assert.deepEqual(shown(remove(full, after)), { op: 'd', before: changed, after: null });
  });

  test('says where a change came from', () => {
    const [sent] = messagesOf(plain, table())({ ...insert(table(), ROW), seq: 3 });
    const { source, ts_ms } = sent!.value as { source: Record<string, unknown>; ts_ms: number };
    assert.equal(typeof ts_ms, 'number');
    assert.deepEqual(source, {
      version: '1',
      connector: 'pgveil',
      name: 'shop',
      ts_ms: 946_684_800_000,
      snapshot: 'false',
      schema: 'public',
      table: 'person',
      txId: 700,
      lsn: 0x1f8,
      seq: 3,
    });
  });

  test('has Debezium’s word for a value that was not sent', () => {
    const [sent] = messagesOf(plain, table())(update(table(), ['1', 'A', UNCHANGED, null, null, null]));
    assert.equal((sent!.value as { after: { note: string } }).after.note, '__debezium_unavailable_value');
  });

  test('of a truncate has a value', () => {
    for (const { value } of messagesOf(plain, table())(truncate(table()))) {
      const { op, before, after } = value as Record<string, unknown>;
      assert.deepEqual({ op, before, after }, { op: 't', before: null, after: null });
    }
  });

  test('with an inline schema has a field of the schema for each of the payload, and no text where a number is', () => {
    const inline: MakeFormat = (of) => new Debezium(of, { pipeline: 'shop', int8: 'number', schema: 'inline' });
    const [sent] = messagesOf(inline, table())(insert(table(), ['1', 'a', null, 'NaN', '1.10', 't']));
    const { schema, payload } = sent!.value as { schema: Schema; payload: Record<string, Record<string, unknown>> };
    const fieldOf = (of: Schema, name: string) => of.fields!.find(({ field }) => field === name)!;
    assert.deepEqual(new Set(schema.fields!.map(({ field }) => field)), new Set(Object.keys(payload)));
    const after = fieldOf(schema, 'after');
    assert.deepEqual(
      after.fields!.map(({ field, type }) => [field, type]),
      [
        ['id', 'int64'],
        ['name', 'string'],
        ['note', 'string'],
        ['weight', 'double'],
        ['paid', 'string'],
        ['ok', 'boolean'],
      ],
    );
    assert.deepEqual(payload.after, { id: 1, name: 'a', note: null, weight: null, paid: '1.10', ok: true });
    const source = fieldOf(schema, 'source');
    assert.deepEqual(new Set(source.fields!.map(({ field }) => field)), new Set(Object.keys(payload.source!)));
  });
});

interface Schema {
  readonly type: string;
  readonly field?: string;
  readonly fields?: readonly Schema[];
}

test('a row that its topic does not take is refused by the name of its table', () => {
  const of = messagesOf(flat, table(), 1000);
  assert.throws(
    () => of(insert(table(), ['1', 'x'.repeat(1000), null, null, null, null])),
    (error: PgveilError) => {
      assert.deepEqual([error.code, error.table], ['message_too_large', 'public.person']);
      assert.doesNotMatch(error.message, /xxx/);
      return true;
    },
  );
});
