import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  insert,
  type Row,
  remove,
  sketchTable,
  type TableSketch,
  truncate,
  UNCHANGED,
  update,
  upTo,
} from '../../../support/batches.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { copyInto, keysOf, rowsOf, signal, TestSink } from '../twin.ts';

forMajors('applying changes', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** A table with these rows in a twin of its own pipeline. */
  async function begin(sketch: TableSketch, rows: readonly Row[]) {
    const table = sketchTable(sketch);
    const sink = new TestSink(server, { pipeline: sketch.relation });
    await sink.open(signal);
    await copyInto(sink, table, rows);
    return { table, sink };
  }

  let pos = 0x1000n;
  async function apply(sink: TestSink, changes: ReturnType<typeof insert>[]): Promise<void> {
    const batch = upTo(++pos, changes);
    await sink.write(batch);
    await sink.flush(batch.position);
  }

  test('a twin that always has something to do still counts what was changed, which is what autovacuum goes by', async () => {
    const { table, sink } = await begin({ relation: 'busy', columns: { id: 'bigint', a: 'text' }, key: ['id'] }, []);
    let id = 0;
    const next = () => upTo(++pos, [insert(table, [String(++id), 'x'.repeat(300_000)])]);
    let batch = next();
    await sink.write(batch);
    const counted = async () => {
      const flushed = sink.flush(batch.position);
      batch = next();
      await Promise.all([flushed, sink.write(batch)]);
      const [{ n }] = await server.query(
        `SELECT n_tup_ins AS n FROM pg_stat_user_tables WHERE relid = to_regclass('pgveil."busy_public.busy_${table.oid}_g1"')`,
      );
      return Number(n) > 0;
    };
    await until(counted, { what: 'rows to be counted', timeout: 10_000 });
    await sink.close();
  });

  test('rows that the twin lacked are counted as repaired, others not', async () => {
    const sketch = { relation: 'repaired', columns: { id: 'bigint', a: 'text' }, key: ['id'] };
    const { table, sink } = await begin(sketch, [
      ['1', 'one'],
      ['4', 'four'],
    ]);
    await apply(sink, [
      update(table, ['1', 'ONE']),
      update(table, ['2', 'TWO']),
      insert(table, ['3', 'three']),
      update(table, ['3', 'THREE']),
      remove(table, ['4', null]),
      insert(table, ['4', 'FOUR']),
    ]);
    await sink.close();
    assert.deepEqual(await rowsOf(server, table), [
      ['1', 'ONE'],
      ['2', 'TWO'],
      ['3', 'THREE'],
      ['4', 'FOUR'],
    ]);
    assert.deepEqual(
      sink.observed.filter(({ type }) => type === 'repaired'),
      [{ type: 'repaired', table: 'public.repaired', rows: 1 }],
    );
  });

  test('numeric keys are one when their values are, and the last text stays', async () => {
    const sketch = { relation: 'by_value', columns: { k: 'numeric', a: 'text' }, key: ['k'] };
    const { table, sink } = await begin(sketch, [
      ['1.0', 'a'],
      ['NaN', 'b'],
      ['7', 'c'],
    ]);
    await apply(sink, [
      update(table, ['1.00', 'A'], ['1.0', null]),
      remove(table, ['7', null]),
      insert(table, ['7.000', 'C']),
      update(table, ['NaN', UNCHANGED]),
    ]);
    await apply(sink, [update(table, ['1.000', UNCHANGED], ['1.00', null])]);
    await sink.close();
    assert.deepEqual(await rowsOf(server, table), [
      ['1.000', 'A'],
      ['7.000', 'C'],
      ['NaN', 'b'],
    ]);
    assert.deepEqual(await keysOf(server, table), ['1.000', '7.000', 'NaN']);
  });

  test('a composite key moves when one of its columns does, also with an unsent one', async () => {
    const sketch = { relation: 'composite', columns: { a: 'text', n: 'text', b: 'bigint' }, key: ['b', 'a'] };
    const { table, sink } = await begin(sketch, [
      ['x"', 'one', '1'],
      ['y', 'two', '2'],
    ]);
    await apply(sink, [
      update(table, [UNCHANGED, UNCHANGED, '10'], ['x"', null, '1']),
      update(table, ['y', 'TWO', '2']),
      insert(table, ['x"', 'new', '1']),
    ]);
    await sink.close();
    assert.deepEqual(await keysOf(server, table), ['["1","x\\""]', '["10","x\\""]', '["2","y"]']);
    assert.deepEqual(await rowsOf(server, table), [
      ['x"', 'new', '1'],
      ['x"', 'one', '10'],
      ['y', 'TWO', '2'],
    ]);
  });

  test('a key that was not sent is taken from the old image', async () => {
    const sketch = { relation: 'long_key', columns: { k: 'text', a: 'text' }, key: ['k'] };
    const long = 'k'.repeat(2500);
    const { table, sink } = await begin(sketch, [[long, 'one']]);
    await apply(sink, [update(table, [UNCHANGED, 'two'], [long, null])]);
    await sink.close();
    assert.deepEqual(await rowsOf(server, table), [[long, 'two']]);
  });

  test('a truncate that a reader keeps waiting deletes instead', async () => {
    const sketch = { relation: 'truncated', columns: { id: 'bigint' }, key: ['id'] };
    const { table, sink } = await begin(sketch, [['1'], ['2']]);
    await using reader = await server.connect();
    await reader.query('BEGIN; SELECT * FROM public.truncated');
    await apply(sink, [truncate(table), insert(table, ['3'])]);
    assert.deepEqual(await rowsOf(server, table), [['3']]);
    await reader.query('COMMIT');
    await apply(sink, [truncate(table), insert(table, ['4'])]);
    await sink.close();
    assert.deepEqual(await rowsOf(server, table), [['4']]);
  });

  test('windows of several megabytes in one transaction, with every kind of change', async () => {
    const sketch = { relation: 'large', columns: { id: 'bigint', a: 'text', b: 'text' }, key: ['id'] };
    const { table, sink } = await begin(sketch, [['0', 'first', 'kept']]);
    const filler = 'x'.repeat(2000);
    const sink5 = (from: number) => Array.from({ length: 1500 }, (_, at) => String(from + at));
    for (const from of [1, 2001, 4001, 6001]) {
      const ids = sink5(from);
      await sink.write(
        upTo(
          ++pos,
          ids.map((id) => insert(table, [id, filler, 'b'])),
        ),
      );
      await sink.write(
        upTo(
          ++pos,
          ids.map((id) => update(table, [id, `${filler}2`, UNCHANGED])),
        ),
      );
      await sink.write(
        upTo(
          ++pos,
          ids.filter((id) => Number(id) % 2).map((id) => remove(table, [id, null, null])),
        ),
      );
      await sink.write(upTo(++pos, [update(table, ['0', filler + from, UNCHANGED])]));
    }
    await apply(sink, []);
    await sink.close();
    const [counted] = await server.query(
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE b = 'b' AND length(a) = 2001)::int AS right FROM public.large`,
    );
    assert.deepEqual(counted, { rows: 3001, right: 3000 });
    assert.deepEqual((await rowsOf(server, table))[0], ['0', `${filler}6001`, 'kept']);
  });

  test('a key is found by its index, whatever the planner believes of the table', async () => {
    const sketch = { relation: 'planned', columns: { id: 'bigint', a: 'text' }, key: ['id'] };
    const { table, sink } = await begin(sketch, []);
    await apply(
      sink,
      Array.from({ length: 20_000 }, (_, id) => insert(table, [String(id), 'a'])),
    );
    await server.query('SELECT pg_stat_reset()');
    for (const id of ['1', '2', '3', '4', '5']) {
      await apply(sink, [
        update(table, [id, 'b']),
        update(table, [`1${id}`, UNCHANGED]),
        remove(table, [`2${id}`, null]),
      ]);
    }
    await sink.close();
    const seen = await until(
      async () => {
        const [row] = await server.query(
          `SELECT seq_tup_read::int AS read, idx_scan::int AS found FROM pg_stat_user_tables WHERE relname LIKE 'planned_%'`,
        );
        return row.found > 0 && row;
      },
      { what: 'the statistics of a session that has ended' },
    );
    assert.equal(seen.read, 0);
  });
});
