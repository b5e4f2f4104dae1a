// Copies of whole tables: what becomes of a copy that crashed, of one that waits for readers, and of what people made on the public table.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PgveilError } from '../../../../src/core/errors.ts';
import { Secret } from '../../../../src/core/secret.ts';
import type { RedactedTable } from '../../../../src/core/table.ts';
import {
  batch,
  copyOf,
  copyStarted,
  entryOf,
  nextGeneration,
  positionAt,
  type Row,
  reads,
  sketchTable,
  writeCopy,
} from '../../../support/batches.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { copyInto, rowsOf, signal, TestSink } from '../twin.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

/** A streaming table of its own pipeline, of this name. */
async function begin(relation: string, rows: readonly Row[] = [['1', 'old']]) {
  const table = sketchTable({ relation, columns: { id: 'bigint', a: 'text' }, key: ['id'] });
  const sink = new TestSink(server, { pipeline: relation });
  await sink.open(signal);
  await copyInto(sink, table, rows);
  return { table, sink };
}

/** With another definition of its columns. */
function redefined(table: RedactedTable, columns: Record<string, string>, key = ['id']): RedactedTable {
  return { ...sketchTable({ relation: table.relation, columns, key }), generation: table.generation + 1 };
}

async function generations(pipeline: string): Promise<string[]> {
  const rows = await server.query(
    `SELECT relname FROM pg_class WHERE relnamespace = 'pgveil'::regnamespace AND relkind = 'r'
     AND starts_with(relname, $1) ORDER BY relname`,
    { values: [pipeline] },
  );
  return rows.map(({ relname }) => relname);
}

test('the public table is partitioned, with the generation as its one partition', async () => {
  const { table, sink } = await begin('simple');
  await sink.close();
  const rows = await server.query(
    `SELECT inhrelid::regclass::text AS partition, pg_get_expr(relpartbound, inhrelid) AS bound
     FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'public.simple'::regclass`,
  );
  assert.deepEqual(rows, [{ partition: 'pgveil."simple_public.simple_16385_g1"', bound: 'DEFAULT' }]);
  assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
});

test('what a crashed copy left is dropped by the next open, also while the crashed instance’s COPY is still open', async () => {
  const { table, sink } = await begin('crashed');
  const next = nextGeneration(table);
  await sink.write(copyStarted(next));
  await sink.write(reads(next, 1, [['2', 'half']]));
  assert.deepEqual(await generations('crashed'), [
    'crashed_public.crashed_16385_g1',
    'crashed_public.crashed_16385_g2',
  ]);

  const successor = new TestSink(server, { pipeline: 'crashed' });
  const checkpoint = await successor.open(signal);
  assert.deepEqual(await generations('crashed'), ['crashed_public.crashed_16385_g1']);
  assert.equal(checkpoint.tables.get(table.name)?.generation, 2);
  assert.equal(checkpoint.tables.get(table.name)?.state.state, 'absent');
  assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
  await copyInto(successor, nextGeneration(next), [['3', 'whole']]);
  await Promise.all([sink.close(), successor.close()]);
  assert.deepEqual(await rowsOf(server, table), [['3', 'whole']]);
  assert.deepEqual(await generations('crashed'), ['crashed_public.crashed_16385_g3']);
});

test('a table that got another name on the source starts anew beside its old content', async () => {
  const { table, sink } = await begin('was');
  const renamed = { ...table, relation: 'is_now', name: 'public.is_now' };
  await copyInto(sink, renamed, [['2', 'new']], 0x200n);
  await sink.close();
  assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
  assert.deepEqual(await rowsOf(server, renamed), [['2', 'new']]);
});

test('a table that stops in the middle of its copy leaves nothing behind', async () => {
  const { table, sink } = await begin('stopped');
  const next = nextGeneration(table);
  await sink.write(copyStarted(next));
  await sink.write(reads(next, 1, [['2', 'half']]));
  const stopped = {
    type: 'stopped',
    name: table.name,
    oid: table.oid,
    state: { state: 'halted', code: 'no_key' },
  } as const;
  await sink.write({ ...reads(next, 1, []), chunk: null, events: [stopped] });
  await sink.flush(positionAt(0x200n));
  await until(async () => (await generations('stopped')).length === 1, { what: 'the second generation to be dropped' });
  await sink.close();
  assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
});

test('the swap waits for a long reader, says for whom, and others read meanwhile', async () => {
  const { table, sink } = await begin('read');
  await using reader = await server.connect();
  await reader.query(`SET application_name = 'a long report'; BEGIN; SELECT * FROM public.read`);
  const [pid] = (await reader.query('SELECT pg_backend_pid() AS pid')).rows;

  const swapped = copyInto(sink, nextGeneration(table), [['2', 'new']], 0x200n);
  const what = `the new copy of public.read waits until the table is let go of by pid ${pid.pid} (a long report)`;
  await until(() => sink.observed.some((seen) => seen.type === 'step' && seen.message === what), { what });
  assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
  await reader.query('COMMIT');
  await swapped;
  await sink.close();
  assert.deepEqual(await rowsOf(server, table), [['2', 'new']]);
});

test('an entry that changes while a swap waits is durable with the swap, and not before', async () => {
  const { table, sink } = await begin('noted');
  await using reader = await server.connect();
  await reader.query('BEGIN; SELECT * FROM public.noted');
  const next = nextGeneration(table);
  await writeCopy(sink, copyOf(next, [['2', 'new']]));
  await sink.flush(positionAt(0x200n));
  await until(() => sink.observed.some(({ type }) => type === 'step'), { what: 'the swap to wait' });
  const noted = { ...entryOf(next), fingerprint: { mark: 'newer' } };
  await sink.write(batch({ entries: new Map([[table.name, noted]]) }));
  await sink.flush(positionAt(0x300n));
  const stored = async () => {
    const sql = `SELECT entry FROM pgveil.table_entry WHERE pipeline = 'noted'`;
    return (await server.query<{ entry: Record<string, unknown> }>(sql))[0]!.entry;
  };
  assert.deepEqual((await stored()).state, { state: 'absent' });
  await reader.query('COMMIT');
  assert.equal(await sink.settled(table.name), true);
  const { state, fingerprint } = await stored();
  assert.deepEqual([state, fingerprint], [{ state: 'streaming' }, { mark: 'newer' }]);
  await sink.close();
});

test('a swap that waits ends when the sink is closed', async () => {
  const { table, sink } = await begin('closed');
  await using reader = await server.connect();
  await reader.query('BEGIN; SELECT * FROM public.closed');
  const swapped = copyInto(sink, nextGeneration(table), []);
  const rejected = assert.rejects(swapped, PgveilError);
  await until(() => sink.observed.some(({ type }) => type === 'step'), { what: 'the swap to wait' });
  await sink.close();
  await rejected;
});

test('grants, views, comments and people’s indexes stay through a swap', async () => {
  const { table, sink } = await begin('adorned', [
    ['1', 'b'],
    ['2', 'a'],
  ]);
  await server.query(`
    CREATE ROLE analyst; GRANT SELECT ON public.adorned TO analyst;
    CREATE VIEW public.adorned_view AS SELECT a FROM public.adorned;
    COMMENT ON TABLE public.adorned IS 'people';
    CREATE INDEX by_a ON public.adorned (lower(a) DESC) WHERE a <> 'x'`);
  await copyInto(sink, nextGeneration(table), [['3', 'c']]);
  await sink.close();
  assert.deepEqual(await server.query('SET ROLE analyst; SELECT a FROM public.adorned'), [{ a: 'c' }]);
  assert.deepEqual(await server.query('SELECT a FROM public.adorned_view'), [{ a: 'c' }]);
  const [comment] = await server.query(`SELECT obj_description('public.adorned'::regclass) AS comment`);
  assert.equal(comment.comment, 'people');
  const indexes = await server.query(
    `SELECT indisvalid, inhrelid::regclass::text AS partition FROM pg_index JOIN pg_inherits ON inhparent = indexrelid
     WHERE indexrelid = 'public.by_a'::regclass`,
  );
  assert.deepEqual(indexes, [{ indisvalid: true, partition: 'pgveil."adorned_public.adorned_16385_g2_by_a"' }]);
});

test('columns that came, went or changed their type are changed on the same public table', async () => {
  const { table, sink } = await begin('redefined');
  const oid = async () => (await server.query(`SELECT 'public.redefined'::regclass::oid AS oid`))[0].oid;
  const was = await oid();
  const next = redefined(table, { id: 'bigint', b: 'integer', c: 'numeric(10,2)' });
  await copyInto(sink, next, [['1', '5', '1.50']]);
  const again = { ...redefined(next, { id: 'bigint', b: 'text', c: 'numeric(12,3)' }) };
  await copyInto(sink, again, [['1', 'five', '1.500']], 0x200n);
  await sink.close();
  assert.deepEqual(await rowsOf(server, again), [['1', 'five', '1.500']]);
  assert.equal(await oid(), was);
});

test('a key of another type needs another public table, and its grants come along', async () => {
  const { table, sink } = await begin('rekeyed');
  await server.query(`CREATE ROLE reader; GRANT SELECT ON public.rekeyed TO reader WITH GRANT OPTION;
    GRANT SELECT ON public.rekeyed TO PUBLIC`);
  const next = redefined(table, { id: 'uuid', a: 'text' });
  const id = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
  await copyInto(sink, next, [[id, 'new']]);
  await sink.close();
  assert.deepEqual(await server.query('SET ROLE reader; SELECT source_primary_key AS key FROM public.rekeyed'), [
    { key: id },
  ]);
  const [{ acl }] = await server.query(
    `SELECT relacl::text AS acl FROM pg_class WHERE oid = 'public.rekeyed'::regclass`,
  );
  assert.match(acl, /reader=r\*\/postgres.*,=r\/postgres/);
});

test('views over columns that go or change are made again, as far as they still compile; the others are told', async () => {
  const { table, sink } = await begin('viewed');
  await server.query(`
    CREATE ROLE viewer;
    CREATE VIEW public.v1 WITH (security_barrier = true) AS SELECT id, upper('x') AS x FROM public.viewed;
    CREATE VIEW public.v2 AS SELECT x, id FROM public.v1; GRANT SELECT ON public.v2 TO viewer; COMMENT ON VIEW public.v2 IS 'people';
    CREATE VIEW public.v3 AS SELECT a FROM public.viewed; CREATE VIEW public.v4 AS SELECT a FROM public.v3`);
  await copyInto(sink, redefined(table, { id: 'bigint', b: 'text' }), [['2', 'new']]);
  await sink.close();
  assert.deepEqual(await server.query('SET ROLE viewer; SELECT x, id::int FROM public.v2'), [{ x: 'X', id: 2 }]);
  const [{ comment, options }] = await server.query(
    `SELECT obj_description('public.v2'::regclass) AS comment, reloptions AS options FROM pg_class WHERE oid = 'public.v1'::regclass`,
  );
  assert.deepEqual([comment, options], ['people', ['security_barrier=true']]);
  const told = sink.observed.flatMap((seen) =>
    seen.type === 'warning' && seen.code === 'view_dropped' ? [seen.fix] : [],
  );
  assert.equal(told.length, 2);
  assert.match(told[0]!, /CREATE VIEW public.v3 AS +SELECT a/);
});

test('materialized views over columns that go or change are made again and filled, with all that people gave them', async () => {
  const { table, sink } = await begin('summed');
  await server.query(`
    CREATE ROLE summer;
    CREATE MATERIALIZED VIEW public.m1 AS SELECT count(*) AS n, max(id) AS last FROM public.summed;
    CREATE UNIQUE INDEX m1_last ON public.m1 (last); GRANT SELECT ON public.m1 TO summer;
    GRANT SELECT (n) ON public.m1 TO PUBLIC; COMMENT ON COLUMN public.m1.n IS 'rows';
    CREATE VIEW public.m2 AS SELECT last FROM public.m1; CREATE MATERIALIZED VIEW public.m3 AS SELECT last FROM public.m2;
    CREATE MATERIALIZED VIEW public.m4 AS SELECT 1 FROM public.m2 WITH NO DATA;
    CREATE MATERIALIZED VIEW public.m5 AS SELECT 1 / (count(*) - 2) AS x FROM public.m2, public.summed`);
  await copyInto(sink, redefined(table, { id: 'bigint', b: 'text' }), [
    ['2', 'new'],
    ['3', 'new'],
  ]);
  await sink.close();
  assert.deepEqual(await server.query('SET ROLE summer; SELECT n::int, last::int FROM public.m1'), [{ n: 2, last: 3 }]);
  assert.deepEqual(await server.query('SELECT last::int FROM public.m3'), [{ last: 3 }]);
  const [m1] = await server.query(`SELECT relacl::text AS acl, col_description(oid, 1) AS comment,
    (SELECT attacl::text FROM pg_attribute WHERE attrelid = c.oid AND attname = 'n') AS column_acl,
    to_regclass('public.m1_last') IS NOT NULL AS index FROM pg_class c WHERE oid = 'public.m1'::regclass`);
  assert.deepEqual([m1.comment, m1.column_acl, m1.index], ['rows', '{=r/postgres}', true]);
  const [m4] = await server.query(`SELECT relispopulated AS filled FROM pg_class WHERE oid = 'public.m4'::regclass`);
  assert.equal(m4.filled, false);
  const told = sink.observed.flatMap((seen) =>
    seen.type === 'warning' && seen.code === 'view_empty' ? [seen.fix] : [],
  );
  assert.deepEqual(told, ['Correct it, and then: REFRESH MATERIALIZED VIEW public.m5']);
});

test('a view of somebody else’s stays theirs where we may act for them, and blocks the swap where we may not', async () => {
  const { table, sink } = await begin('shared');
  await server.query(`
    CREATE ROLE owning; GRANT CREATE ON SCHEMA public TO owning; GRANT SELECT ON public.shared TO owning;
    CREATE VIEW public.theirs AS SELECT id FROM public.shared; ALTER VIEW public.theirs OWNER TO owning;
    GRANT SELECT ON public.theirs TO PUBLIC`);
  const next = redefined(table, { id: 'bigint', b: 'text' });
  await copyInto(sink, next, [['2', 'new']]);
  await sink.close();
  const [view] = await server.query(
    `SELECT relowner::regrole::text AS owner, relacl::text AS acl FROM pg_class WHERE oid = 'public.theirs'::regclass`,
  );
  assert.equal(view.owner, 'owning');
  assert.match(view.acl, /,=r\/owning/);

  // As `writing`, which has no part in `owning`.
  await server.query(`CREATE ROLE writing LOGIN; GRANT CREATE, USAGE ON SCHEMA public, pgveil TO writing;
    GRANT ALL ON ALL TABLES IN SCHEMA pgveil TO writing; ALTER TABLE public.shared OWNER TO writing`);
  for (const relation of await generations('shared')) {
    await server.query(`ALTER TABLE pgveil."${relation}" OWNER TO writing`);
  }
  const url = new URL(server.url());
  url.username = 'writing';
  const strict = new TestSink(server, { pipeline: 'shared', url: new Secret(url.href) });
  await strict.open(signal);
  const swapped = copyInto(strict, redefined(next, { id: 'integer', b: 'text' }), [['3', 'newer']], 0x200n);
  await assert.rejects(swapped, ({ code, message, fix }: PgveilError) => {
    assert.equal(code, 'swap_blocked');
    assert.match(message, /the view public\.theirs over it belongs to the role owning/);
    assert.match(fix, /GRANT owning TO/);
    return true;
  });
  await strict.close();
  assert.deepEqual(await server.query('SELECT id::int FROM public.theirs'), [{ id: 2 }]);
});

test('a copy that needs more than the configured room is refused before it takes any, and the sink goes on', async () => {
  const { table, sink } = await begin('roomy');
  await sink.close();
  const strict = new TestSink(server, { pipeline: 'roomy', room: 1024 });
  await strict.open(signal);
  const next = nextGeneration(table);
  const started = copyStarted(next);
  const events = started.events.filter(({ type }) => type === 'copy started'); // as a source sends it
  await assert.rejects(strict.write({ ...started, events }), ({ code, table, message }: PgveilError) => {
    assert.deepEqual([code, table], ['twin_full', 'public.roomy']);
    assert.match(message, /needs about 1 MB, the database has \d+ MB, and sinks.X.room allows 1 MB/);
    return true;
  });
  for (const late of copyOf(next, [['2', 'late']]).slice(1, -1)) await strict.write(late);
  await strict.flush(positionAt(0x200n));
  assert.equal(await strict.settled(table.name), false);
  await strict.close();
  assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
  assert.deepEqual(await generations('roomy'), ['roomy_public.roomy_16385_g1']);
});

test('what stands in the way of a swap halts the table and is named', async () => {
  const inTheWay = [
    ['called', 'CREATE FUNCTION public.f() RETURNS text BEGIN ATOMIC SELECT max(a) FROM public.called; END', /2BP01/],
    [
      'referenced',
      'CREATE TABLE public.r (id bigint REFERENCES public.referenced); INSERT INTO public.r VALUES (1)',
      /23503/,
    ],
  ] as const;
  for (const [relation, sql, named] of inTheWay) {
    const { table, sink } = await begin(relation);
    await server.query(sql);
    const swapped = copyInto(sink, redefined(table, { id: 'bigint', b: 'text' }), [['2', 'new']]);
    await assert.rejects(swapped, (error: PgveilError) => {
      assert.equal(error.code, 'swap_blocked');
      assert.equal(error.table, table.name);
      assert.match(error.message, named);
      return true;
    });
    await sink.close();
    assert.deepEqual(await rowsOf(server, table), [['1', 'old']]);
  }
});

test('a public table that was dropped by hand comes back with the next copy', async () => {
  const { table, sink } = await begin('dropped');
  await server.query('DROP TABLE public.dropped');
  await copyInto(sink, nextGeneration(table), [['2', 'new']]);
  await sink.close();
  assert.deepEqual(await rowsOf(server, table), [['2', 'new']]);
});

test('a chunk of many pieces arrives whole', async () => {
  const { table, sink } = await begin('pieces', []);
  const next = nextGeneration(table);
  const rows = Array.from({ length: 5000 }, (_, id): Row => [String(id), 'x'.repeat(1000)]);
  const [started, , ...rest] = copyOf(next, []);
  await sink.write(started!);
  for (let at = 0; at < rows.length; at += 500) await sink.write(reads(next, 1, rows.slice(at, at + 500)));
  await writeCopy(sink, rest);
  await sink.flush(positionAt(0x300n));
  await sink.settled(table.name);
  await sink.close();
  assert.equal((await rowsOf(server, next)).length, 5000);
});
