import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dropPipeline, findMade, findWriter } from '../../../sinks/postgres/drop.ts';
import { TwinTarget } from '../../../sinks/postgres/target.ts';
import { Secret } from '../../../src/core/secret.ts';
import { copyStarted, insert, nextGeneration, positionAt, reads, sketchTable, upTo } from '../../support/batches.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';
import { copyInto, optionsFor, signal, TestSink } from './twin.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

/** A database of its own in which pipelines have a table each, of their name. */
async function begin(database: string, ...pipelines: string[]) {
  const url = new Secret(await createDatabase(server, database));
  for (const pipeline of pipelines) {
    const sink = new TestSink(server, { url, pipeline });
    await sink.open(signal);
    await copyInto(sink, tableOf(pipeline), [['1']]);
    await sink.close();
  }
  const relations = async () => {
    const rows = await server.query(
      `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN
         ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY 1`,
      { database },
    );
    return rows.map(({ name }) => name);
  };
  return { options: (pipeline: string) => optionsFor(server, { url, pipeline }), relations };
}

function tableOf(relation: string) {
  return sketchTable({ schema: 'sales', relation, columns: { id: 'bigint' }, key: ['id'] });
}

test('everything goes, and the last pipeline takes the schema along', async () => {
  const { options, relations } = await begin('all', 'one', 'Two "2"');
  assert.deepEqual(await findMade(options('one')), { checkpoint: true, tables: ['sales.one'] });
  await dropPipeline(options('one'));
  assert.deepEqual(await relations(), [
    'pgveil."Two ""2""_sales.Two ""2""_16385_g1"',
    'pgveil.checkpoint',
    'pgveil.generation',
    'pgveil.table_entry',
    'sales."Two ""2"""',
  ]);
  await dropPipeline(options('Two "2"'));
  assert.deepEqual(await relations(), []);
  assert.deepEqual(await findMade(options('one')), { checkpoint: false, tables: [] });
  await dropPipeline(options('one'));
});

test('while an instance has it open nothing is listed for removal', async () => {
  const { options } = await begin('open', 'shop', 'other');
  const target = new TwinTarget(options('shop'));
  const sink = new TestSink(server, options('shop'));
  await sink.open(signal);
  await assert.rejects(target.remains(), { code: 'slot_in_use', message: /^sink twin: .* pid \d+$/ });
  const isLeft = (pipeline: string) =>
    until(async () => (await findWriter(options(pipeline))) === null, { what: `the session of ${pipeline} to end` });
  await isLeft('other');
  await sink.close();
  await isLeft('shop');
  assert.equal((await target.remains()).length, 1);
});

test('an instance that still runs is fenced', async () => {
  const { options, relations } = await begin('busy', 'shop');
  const sink = new TestSink(server, options('shop'));
  await sink.open(signal);
  const next = nextGeneration(tableOf('shop'));
  await sink.write(copyStarted(next));
  await sink.write(reads(next, 1, [['2']]));
  await sink.write(upTo(0x200n, [insert(tableOf('shop'), ['3'])]));
  await sink.close();
  await dropPipeline(options('shop'));
  assert.deepEqual(await relations(), []);
  await assert.rejects(sink.flush(positionAt(0x200n)));
});

test('what depends on a table keeps everything as it was', async () => {
  const { options, relations } = await begin('viewed', 'shop');
  await server.query('CREATE VIEW sales.v AS SELECT * FROM sales.shop', { database: 'viewed' });
  const was = await relations();
  await assert.rejects(dropPipeline(options('shop')), { code: 'twin_failed', message: /2BP01/ });
  assert.deepEqual(await relations(), was);
  assert.deepEqual(await findMade(options('shop')), { checkpoint: true, tables: ['sales.shop'] });
});
