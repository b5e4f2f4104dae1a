import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Index } from '../../../../src/core/table.ts';
import { sketchTable } from '../../../support/batches.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { copyInto, signal, TestSink } from '../twin.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const COLUMNS = { id: 'bigint', a: 'text', j: 'jsonb', m: { name: 'public.mood', kind: 'e', builtIn: false } } as const;
const INDEXES: Index[] = [
  { name: 't_pkey', method: 'btree', columns: [0] },
  { name: 'a and "id"', method: 'btree', columns: [1, 0] },
  { name: 'j', method: 'gin', columns: [2] },
  { name: 'm', method: 'gin', columns: [3] },
  { name: 'bloom', method: 'bloom', columns: [0] },
  { name: 'ö'.repeat(31), method: 'hash', columns: [1] },
];

async function copied(relation: string, indexes: boolean) {
  const table = sketchTable({ relation, columns: COLUMNS, key: ['id'], indexes: INDEXES });
  const sink = new TestSink(server, { pipeline: relation, indexes });
  await sink.open(signal);
  await copyInto(sink, table, [['1', 'x', '{}', 'sad']]);
  await sink.close();
  const definitions = await server.query(
    `SELECT regexp_replace(indexdef, '.* USING ', '') AS definition, indexdef LIKE '%UNIQUE%' AS is_unique FROM pg_indexes
     WHERE schemaname = 'pgveil' AND starts_with(tablename, $1) ORDER BY 1`,
    { values: [relation] },
  );
  return { definitions, sink };
}

test('the source’s indexes are built, not unique, under names of their own', async () => {
  const { definitions, sink } = await copied('indexed', true);
  assert.deepEqual(
    definitions.map(({ definition, is_unique }) => `${definition}${is_unique ? ' unique' : ''}`),
    ['btree (a, id)', 'btree (id)', 'btree (source_primary_key) unique', 'gin (j)', 'hash (a)'],
  );
  const warnings = sink.observed.filter((seen) => seen.type === 'warning');
  assert.deepEqual(
    warnings.map(({ table, code, message }) => `${table} ${code} ${message.slice(0, 50)}`),
    [
      'public.indexed index_left_out index "m" cannot be built on the twin: public.inde',
      'public.indexed index_left_out index "bloom" cannot be built on the twin: public.',
    ],
  );
});

test('`indexes: false` leaves the key alone', async () => {
  const { definitions } = await copied('bare', false);
  assert.deepEqual(
    definitions.map(({ definition }) => definition),
    ['btree (source_primary_key)'],
  );
});

test('the planner knows the rows of the public table', async () => {
  const [{ rows }] = await server.query(
    `SELECT reltuples::int AS rows FROM pg_class WHERE oid = 'public.indexed'::regclass`,
  );
  assert.equal(rows, 1);
});
