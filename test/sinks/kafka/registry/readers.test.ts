import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KafkaOptions } from '../../../../sinks/kafka/options.ts';
import { KafkaSink } from '../../../../sinks/kafka/sink.ts';
import { KafkaTarget } from '../../../../sinks/kafka/target.ts';
import type { PgveilError } from '../../../../src/core/errors.ts';
import {
  batch,
  copyOf,
  copyStarted,
  nextGeneration,
  positionAt,
  remove,
  sketchTable,
  truncate,
  UNCHANGED,
  update,
  upTo,
  writeCopy,
} from '../../../support/batches.ts';
import { type DecodedRecord, readDecoded, runDocumentedConsumer } from '../../../support/kafka/reader.ts';
import { SchemaRegistry } from '../../../support/kafka/schema-registry.ts';
import { hasPython } from '../../../support/lake/readers.ts';
import { idsOf, markersWritten, optionsFor, sharedBroker } from '../parts.ts';

// Topics whose schemas are in a registry, read by Confluent's own consumer and deserializers.

const signal = new AbortController().signal;
const COLUMNS = { id: 'bigint', name: 'text', weight: 'double precision', ok: 'boolean', paid: 'numeric(12,2)' };
const table = sketchTable({ relation: 'Order Items', columns: COLUMNS, key: ['id'] });
const ROWS = [
  ['9007199254740993', 'one "é"', '0.1', 't', '12.50'],
  ['2', null, 'NaN', 'f', null],
  ['3', 'three', '-Infinity', null, '-1'],
];
const wider = sketchTable({
  relation: 'Order Items',
  columns: { ...COLUMNS, more: 'integer' },
  key: ['id'],
  generation: 2,
});

const { server, cluster } = await sharedBroker();

function optionsOf(
  registry: SchemaRegistry,
  format: 'avro' | 'json',
  changed: Partial<KafkaOptions> = {},
): KafkaOptions {
  const pipeline = server.name('registry');
  return optionsFor(server, { pipeline, registry: { url: registry.url, format, credentials: null }, ...changed });
}

/** What the three messages of the copy and all that follow are, to their reader. */
async function seen(options: KafkaOptions, subject?: string): Promise<DecodedRecord[]> {
  await markersWritten(cluster, idsOf(options.pipeline));
  const { url, format } = options.registry!;
  const read = await readDecoded(server.brokers, topicOf(options), 3, { url, format, ...(subject && { subject }) });
  return read.filter(([, , op]) => !op.startsWith('copy_'));
}

function topicOf({ pipeline }: KafkaOptions): string {
  return `${pipeline}.public.Order-20Items`;
}

async function write(options: KafkaOptions): Promise<KafkaSink> {
  const sink = new KafkaSink(options);
  await sink.open(signal);
  await writeCopy(sink, copyOf(table, ROWS));
  await sink.flush(positionAt(0x100n));
  return sink;
}

describe('topics whose schemas are in a registry', () => {
  for (const format of ['avro', 'json'] as const) {
    test(`hold the rows, to others that read them (flat, ${format})`, async (context) => {
      if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
      await using registry = await SchemaRegistry.start();
      const options = optionsOf(registry, format);
      const sink = await write(options);
      const key = ['9007199254740993', ...Array<null>(4).fill(null)];
      const changed = update(table, ['4', UNCHANGED, '1', 't', '1'], ['2', null, null, null, null]);
      await sink.write(upTo(0x200n, [remove(table, key), changed, truncate(table)]));
      await sink.flush(positionAt(0x200n));
      await sink.close();
      const records = await seen(options);
      const rows = new Map(records.filter(([, , op]) => op === 'r').map(([key, value]) => [key, value!]));
      const cells = (key: string) => Object.keys(COLUMNS).map((name) => rows.get(key)![name]);
      assert.deepEqual(cells('9007199254740993'), ['9007199254740993', 'one "é"', '0.1', true, '12.50']);
      assert.equal(String(rows.get('2')!.weight).toLowerCase(), 'nan');
      assert.match(String(rows.get('3')!.weight), /^-inf/i);
      assert.equal(rows.get('2')!.source_primary_key, '2');
      const created = records.find(([key, , op]) => key === '4' && op === 'c')![1]!;
      assert.deepEqual([created.__previous_key, created.__unchanged, created.name ?? null], ['2', ['name'], null]);
      assert.deepEqual(
        records
          .filter(([, value, op]) => op === 'd' && value)
          .map(([key, value]) => [key, value!.__op])
          .sort(),
        [
          ['2', 'd'],
          ['9007199254740993', 'd'],
        ],
      );
      assert.deepEqual(registry.versions(`${topicOf(options)}-value`).length, 1);
      assert.equal(registry.requests.filter((request) => request.startsWith('POST')).length, 1);
    });

    test(`hold Debezium’s envelopes (${format})`, async (context) => {
      if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
      await using registry = await SchemaRegistry.start();
      const options = optionsOf(registry, format, { format: 'debezium' });
      const sink = await write(options);
      await sink.write(upTo(0x200n, [update(table, ['3', UNCHANGED, '2', 't', '1']), truncate(table)]));
      await sink.flush(positionAt(0x200n));
      await sink.close();
      const records = await seen(options);
      const updated = records.find(([, , op]) => op === 'u')![1]! as { before: unknown; after: object; source: object };
      const after = { id: '3', name: '__debezium_unavailable_value', weight: '2', ok: true, paid: '1' };
      assert.equal(updated.before, null);
      assert.deepEqual({ ...updated.after, weight: '2' }, after);
      assert.equal((updated.source as { table: string }).table, 'Order Items');
      const truncates = records.filter(([, value, op]) => op === 't' && value?.op === 't');
      assert.equal(truncates.length, 3);
    });

    test(`keep what was written before a column came readable with the new schema (${format})`, async (context) => {
      if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
      await using registry = await SchemaRegistry.start();
      const options = optionsOf(registry, format);
      const sink = await write(options);
      await writeCopy(
        sink,
        copyOf(
          wider,
          ROWS.map((row) => [...row, '5']),
        ),
      );
      await sink.flush(positionAt(0x200n));
      await sink.close();
      const subject = `${topicOf(options)}-value`;
      assert.equal(registry.versions(subject).length, 2);
      for (const as of [undefined, subject]) {
        const more = (await seen(options, as)).map(([, value]) => value!.more ?? null);
        assert.deepEqual(more.sort(), ['5', '5', '5', null, null, null]);
      }
    });
  }

  test('are what the consumer of the documents makes a table of', async (context) => {
    if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
    await using registry = await SchemaRegistry.start();
    const options = optionsOf(registry, 'avro');
    const sink = await write(options);
    const finite = update(table, ['3', 'three', '1', null, '-1']); // the consumer prints JSON
    await sink.write(upTo(0x200n, [remove(table, ['2', null, null, null, null]), finite]));
    await sink.flush(positionAt(0x200n));
    await sink.close();
    await markersWritten(cluster, idsOf(options.pipeline));
    const rows = await runDocumentedConsumer(server.brokers, topicOf(options), 3, registry.url);
    const names = (rows as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(names.sort(), ['one "é"', 'three']);
  });

  test('halt the table whose schema the registry refuses, and it alone', async () => {
    await using registry = await SchemaRegistry.start();
    const options = optionsOf(registry, 'avro');
    const sink = await write(options);
    const other = sketchTable({ relation: 'other', columns: { id: 'bigint' }, key: ['id'], oid: 2 });
    const retyped = nextGeneration(
      sketchTable({ relation: 'Order Items', columns: { ...COLUMNS, name: 'integer' }, key: ['id'] }),
    );
    const { events, entries } = copyStarted(retyped);
    const refused = sink.write(batch({ events: events.slice(1), entries }));
    await assert.rejects(
      refused,
      (error: PgveilError) => error.code === 'schema_refused' && error.table === retyped.name,
    );
    await writeCopy(sink, copyOf(other, [['1']]));
    await sink.flush(positionAt(0x200n));
    await sink.close();
  });

  test('wait for a registry that is away, and go on from where they were', async () => {
    await using registry = await SchemaRegistry.start();
    const options = optionsOf(registry, 'avro');
    registry.broken = 503;
    const sink = new KafkaSink(options);
    await sink.open(signal);
    await assert.rejects(writeCopy(sink, copyOf(table, ROWS)), (error: PgveilError) => error.code === 'registry_away');
    const [found] = await new KafkaTarget(options).check();
    assert.deepEqual([found!.code, found!.object], ['registry_away', 'sinks.topics.registry']);
    registry.broken = null;
    assert.deepEqual(await new KafkaTarget(options).check(), []);
    await sink.open(signal);
    await writeCopy(sink, copyOf(table, ROWS));
    await sink.flush(positionAt(0x100n));
    await sink.close();
  });
});
