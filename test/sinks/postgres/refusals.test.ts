// What the twin does not take: the error names the table and the fix, and never a value.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import type { ErrorCode, PgveilError } from '../../../src/core/errors.ts';
import {
  copyStarted,
  insert,
  nextGeneration,
  type Row,
  sketchTable,
  type TableSketch,
  UNCHANGED,
  update,
  upTo,
} from '../../support/batches.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { copyInto, signal, TestSink } from './twin.ts';

/** Stands for a value of a row: nothing that leaves may hold it. */
const CANARY = 'canary-7f3a';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

async function opened(pipeline: string): Promise<TestSink> {
  const sink = new TestSink(server, { pipeline });
  await sink.open(signal);
  return sink;
}

function is(code: ErrorCode, table: string | null) {
  return (error: PgveilError) => {
    assert.equal(error.code, code);
    assert.equal(error.table, table);
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(CANARY), 'no value in the error');
    return true;
  };
}

test('a table of 1600 columns has no room for the key', async () => {
  const columns = Object.fromEntries(Array.from({ length: 1600 }, (_, at) => [`c${at}`, 'boolean']));
  const sink = await opened('wide');
  const table = sketchTable({ relation: 'wide', columns, key: ['c0'] });
  await assert.rejects(sink.write(copyStarted(table)), is('too_wide', 'public.wide'));
  await sink.close();
});

test('1599 columns and the key are held', async () => {
  const columns = Object.fromEntries(Array.from({ length: 1599 }, (_, at) => [`c${at}`, 'boolean']));
  const table = sketchTable({ relation: 'nearly', columns, key: ['c0'] });
  const row: Row = ['t', ...Array.from({ length: 1598 }, (_, at) => (at % 2 ? 'f' : null))];
  const sink = await opened('nearly');
  await copyInto(sink, table, [row]);
  const changed: Row = ['t', ...Array.from({ length: 1598 }, (_, at) => (at % 3 ? 't' : null))];
  const batch = upTo(0x200n, [update(table, changed)]);
  await sink.write(batch);
  await sink.flush(batch.position);
  const partly = upTo(0x300n, [update(table, [...changed.slice(0, 1598), UNCHANGED])]);
  await sink.write(partly);
  await sink.flush(partly.position);
  await sink.close();
  const list = table.columns.map(({ name }) => name).join(', ');
  const [{ found }] = await server.query(`SELECT array_to_json(ARRAY[${list}]) AS found FROM public.nearly`);
  assert.deepEqual(
    found,
    changed.map((cell) => cell && true),
  );
});

test('a column with the name of the twin’s own key', async () => {
  const table = sketchTable({
    relation: 'reserved',
    columns: { id: 'bigint', source_primary_key: 'text' },
    key: ['id'],
  });
  const sink = await opened('reserved');
  await assert.rejects(sink.write(copyStarted(table)), is('reserved_column', 'public.reserved'));
  await sink.close();

  const renamed = new TestSink(server, { pipeline: 'renamed', sourcePrimaryKey: 'Own "key"' });
  await renamed.open(signal);
  await copyInto(renamed, table, [['1', 'theirs']]);
  await renamed.close();
  const rows = await server.query(`SELECT id, source_primary_key, "Own ""key""" AS key FROM public.reserved`);
  assert.deepEqual(rows, [{ id: '1', source_primary_key: 'theirs', key: '1' }]);
});

test('a table that is there and that pgveil did not make is never touched', async () => {
  await server.query('CREATE TABLE public.theirs (id bigint); INSERT INTO public.theirs VALUES (1)');
  const table = sketchTable({ relation: 'theirs', columns: { id: 'bigint' }, key: ['id'] });
  const sink = await opened('theirs');
  await assert.rejects(sink.write(copyStarted(table)), is('target_exists', null));
  await sink.close();
  assert.deepEqual(await server.query('SELECT * FROM public.theirs'), [{ id: '1' }]);
});

test('another pipeline’s table is not this one’s', async () => {
  const table = sketchTable({ relation: 'shared', columns: { id: 'bigint' }, key: ['id'] });
  const first = await opened('shared_1');
  await copyInto(first, table, [['1']]);
  await first.close();
  const second = await opened('shared_2');
  await assert.rejects(second.write(copyStarted(nextGeneration(table))), is('target_exists', null));
  await second.close();
});

const misfits: [string, TableSketch['columns'], Row][] = [
  ['a value too long', { id: 'bigint', a: 'character varying(3)' }, ['1', CANARY]],
  ['a value of another type', { id: 'bigint', a: 'integer' }, ['1', CANARY]],
  ['a key too large for an index', { id: 'text', a: 'text' }, [CANARY + randomText(9000), 'x']],
];
for (const [title, columns, row] of misfits) {
  for (const way of ['copy', 'insert', 'update'] as const) {
    test(`${title} halts its table: ${way}`, async () => {
      const relation = `${title} ${way}`;
      const table = sketchTable({ relation, columns, key: ['id'] });
      const sink = await opened(relation.replaceAll(' ', '_'));
      const name = table.name;
      if (way === 'copy') {
        await assert.rejects(copyInto(sink, table, [row]), is('twin_refused', name));
      } else {
        await copyInto(sink, table, []);
        const batch = upTo(0x200n, [way === 'insert' ? insert(table, row) : update(table, row)]);
        await assert.rejects(
          async () => {
            await sink.write(batch);
            await sink.flush(batch.position);
          },
          is('twin_refused', name),
        );
      }
      await sink.close();
    });
  }
}

test('a collision of keys tells of no key', async () => {
  const table = sketchTable({ relation: 'collision', columns: { id: 'text' }, key: ['id'] });
  const sink = await opened('collision');
  await assert.rejects(copyInto(sink, table, [[CANARY], [CANARY]]), is('key_collision', table.name));
  await sink.close();
});

test('a column that somebody dropped halts its table alone', async () => {
  const table = sketchTable({ relation: 'altered', columns: { id: 'bigint', a: 'text' }, key: ['id'] });
  const sink = await opened('altered');
  await copyInto(sink, table, []);
  await server.query('ALTER TABLE public.altered DROP COLUMN a');
  await sink.write(upTo(0x200n, [insert(table, ['1', CANARY])]));
  await assert.rejects(sink.flush(upTo(0x200n).position), is('twin_refused', table.name));
  await sink.close();
});

test('a type that the twin’s server does not have is text there, with a warning', async () => {
  const table = sketchTable({
    relation: 'future',
    columns: { id: 'bigint', a: 'quaternion', b: 'quaternion' },
    key: ['id'],
  });
  const sink = await opened('future');
  await copyInto(sink, table, [['1', 'x', 'y']]);
  await sink.close();
  assert.deepEqual(await server.query('SELECT pg_typeof(a)::text AS type, b FROM public.future'), [
    { type: 'text', b: 'y' },
  ]);
  const warnings = sink.observed.filter((seen) => seen.type === 'warning');
  assert.deepEqual(
    warnings.map(({ code, message }) => `${code}: ${message}`),
    ['type_missing: the twin has no type quaternion: columns of it are text there'],
  );
});

/** Compressible text would fit an index. */
function randomText(length: number): string {
  let text = '';
  for (let state = 1; text.length < length; state = (state * 48271) % 2147483647) text += state.toString(36);
  return text.slice(0, length);
}
