// Every column type comes out of the twin as the text that went in: by copy, insert, update, and as the key.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { Secret } from '../../../src/core/secret.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { insert, type Row, remove, sketchTable, update, upTo } from '../../support/batches.ts';
import { TYPES, TYPES_SETUP } from '../../support/judge/types.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { copyInto, signal, TestSink } from './twin.ts';

const literal = (text: string, type: string) => `'${text.replaceAll("'", "''")}'::${type}`;

/** A session in which text looks as in the product's own. */
async function open(url: string): Promise<Client> {
  return await connect({ url: new Secret(url), side: 'source', purpose: 'write', name: 'test' });
}

/** A table's definition and its rows as the source has them; the columns named `sign` are there so that rows can change. */
async function readSource(
  client: Client,
  relation: string,
  key: string,
  oid: number,
): Promise<{ table: RedactedTable; rows: Row[] }> {
  const { rows: columns } = await client.query(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, typtype AS kind, typcategory AS category,
       typnamespace = 'pg_catalog'::regnamespace AS built_in
     FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
    [`public.${relation}`],
  );
  const table = sketchTable({
    relation,
    oid,
    key: [key],
    columns: Object.fromEntries(
      columns.map(({ name, type, kind, category, built_in }) => [
        name,
        { name: type, kind, category, builtIn: built_in === 't' },
      ]),
    ),
  });
  const texts = table.columns.map(({ name }) => `${name}::text`).join(', ');
  const { rows } = await client.query({
    text: `SELECT ${texts} FROM public.${relation} ORDER BY ${relation}.sign`,
    rowMode: 'array',
  });
  return { table, rows };
}

forMajors('types', { core: true }, (major) => {
  let server: PostgresServer;
  let source: Client;
  let twin: Client;
  let sink: TestSink;
  before(async () => {
    server = await startPostgres({ major });
    source = await open(await createDatabase(server, 'source'));
    await source.query(`${TYPES_SETUP} CREATE TABLE public.mood_of_people (id integer)`);
    twin = await open(server.url());
    sink = new TestSink(server);
    await sink.open(signal);
  });
  after(async () => {
    await sink.close();
    await twin.end();
    await source.end();
    await server[Symbol.asyncDispose]();
  });

  const texts = async (table: RedactedTable, names: readonly string[]): Promise<Row[]> => {
    const list = names.map((name) => `${name}::text`).join(', ');
    const sql = `SELECT ${list} FROM public.${table.relation} ORDER BY ${table.relation}.sign`;
    return (await twin.query({ text: sql, rowMode: 'array' })).rows;
  };
  /** What differs, by type: the rows themselves are too wide to be read. */
  const assertSame = async (table: RedactedTable, wanted: readonly Row[]) => {
    const found = await texts(table, columnNames(table));
    assert.equal(found.length, wanted.length);
    const differences = wanted.flatMap((row, at) =>
      row.flatMap((cell, column) => {
        const is = found[at]![column];
        return is === cell ? [] : [{ type: table.columns[column]!.type.name, is, should: cell }];
      }),
    );
    assert.deepEqual(differences, []);
  };
  const columnNames = (table: RedactedTable) => table.columns.map(({ name }) => name);

  test('copied, inserted and updated, under the source’s type or as text', async () => {
    const longest = Math.max(...TYPES.map(({ values }) => values.length));
    const columns = TYPES.map(({ type }, at) => `c${at} ${type}`).join(', ');
    const value = ({ type, values }: (typeof TYPES)[number], row: number) =>
      literal(values[row % values.length]!, type);
    const lines = Array.from(
      { length: longest },
      (_, row) => `(${row}, ${TYPES.map((one) => value(one, row)).join(', ')})`,
    );
    await source.query(`CREATE TABLE public.wide (sign integer PRIMARY KEY, ${columns});
      INSERT INTO public.wide VALUES ${lines.join(', ')}, (${longest}${', NULL'.repeat(TYPES.length)})`);
    const { table, rows } = await readSource(source, 'wide', 'sign', 30000);
    await copyInto(sink, table, rows);
    await assertSame(table, rows);

    const shifted = rows.map(([sign], row): Row => [sign!, ...rows[(row + 1) % rows.length]!.slice(1)]);
    const more = rows.map(([sign, ...rest]): Row => [String(Number(sign) + 100), ...rest]);
    const changes = [...shifted.map((row) => update(table, row)), ...more.map((row) => insert(table, row))];
    const batch = upTo(0x200n, changes);
    await sink.write(batch);
    await sink.flush(batch.position);
    await assertSame(table, [...shifted, ...more]);

    const { rows: types } = await twin.query({
      text: `SELECT format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 'public.wide'::regclass AND attnum > 1 AND attname LIKE 'c%' ORDER BY attnum`,
      rowMode: 'array',
    });
    const wanted = table.columns.slice(1).map(({ type }, at) => TYPES[at]!.twin ?? type.name);
    assert.deepEqual(types.flat(), wanted);
  });

  describe('as the key', () => {
    for (const [at, { type, values, key }] of TYPES.entries()) {
      if (!key) continue;
      test(type, async () => {
        const relation = `key_${at}`;
        const lines = values.map((value, sign) => `(${sign}, ${literal(value, type)})`);
        await source.query(`CREATE TABLE public.${relation} (sign integer, k ${type} PRIMARY KEY);
          INSERT INTO public.${relation} VALUES ${lines.join(', ')}`);
        const { table, rows } = await readSource(source, relation, 'k', 31000 + at);
        await copyInto(sink, table, rows.slice(1), 0x200n + BigInt(at) * 0x200n);
        const [first, ...others] = rows;
        const changes = [
          insert(table, first!),
          ...rows.map(([sign, k]) => update(table, [String(Number(sign) + 10), k!])),
          ...others.slice(1).map((row) => remove(table, row)),
        ];
        const batch = upTo(0x300n + BigInt(at) * 0x200n, changes);
        await sink.write(batch);
        await sink.flush(batch.position);
        const left = rows.slice(0, 2).map(([sign, k]) => [String(Number(sign) + 10), k!, k!]);
        assert.deepEqual(await texts(table, ['sign', 'k', 'source_primary_key']), left);
      });
    }
  });
});
