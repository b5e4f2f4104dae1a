// What readers of other makers see: deltalake, pyarrow and DuckDB for Python, each in a version of its own.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DeltaLog } from '../../../sinks/lake/delta/log.ts';
import type { Duck } from '../../../sinks/lake/parquet/duck.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { apply, signal } from '../../acceptance/sink-trial.ts';
import {
  copyOf,
  insert,
  positionAt,
  remove,
  sketchTable,
  truncate,
  UNCHANGED,
  update,
  upTo,
  writeCopy,
} from '../../support/batches.ts';
import { hasPython, runReader } from '../../support/lake/readers.ts';
import { openDuck } from './delta.ts';
import { onEveryStorage, SETTINGS } from './storages.ts';

/** As readers.py prints them. */
interface Found {
  readonly version: number;
  readonly types: Readonly<Record<string, string>>;
  readonly dates: readonly string[];
  readonly stats: readonly Readonly<Record<string, unknown>>[];
  readonly deltalake: readonly Readonly<Record<string, unknown>>[];
  readonly pyarrow: unknown;
  readonly duckdb: unknown;
}

const program = join(import.meta.dirname, 'readers.py');
const skip = (await hasPython()) ? false : 'there is no python3 of 3.10 or later: what other readers see is not tested';

/** Type, one value, what a reader makes of it (as text, the way readers.py prints), and the Arrow type. */
const COLUMNS: Readonly<Record<string, readonly [string, string, unknown, string]>> = {
  small: ['smallint', '-32768', -32768, 'int16'],
  whole: ['integer', '-2147483648', -2147483648, 'int32'],
  exact: [
    'numeric(38,10)',
    '9999999999999999999999999999.9999999999',
    '9999999999999999999999999999.9999999999',
    'decimal128(38, 10)',
  ],
  single: ['real', '0.5', 0.5, 'float'],
  double: ['double precision', '5e-324', 5e-324, 'double'],
  flag: ['boolean', 't', true, 'bool'],
  day: ['date', '9999-12-31', '9999-12-31', 'date32[day]'],
  local: ['timestamp without time zone', '2026-03-29 02:30:00.000001', '2026-03-29 02:30:00.000001', 'timestamp[us]'],
  instant: ['timestamp with time zone', '0001-01-01 00:00:00+00', '0001-01-01 00:00:00+00:00', 'timestamp[us, tz=UTC]'],
  bytes: ['bytea', '\\x00ff', '00ff', 'binary'],
  numbers: ['integer[]', '{1,NULL,-3}', [1, null, -3], 'list<element: int32>'],
  texts: ['text[]', '{"a,b",NULL,""}', ['a,b', null, ''], 'list<element: string>'],
  uuid: ['uuid', '550e8400-e29b-41d4-a716-446655440000', '550e8400-e29b-41d4-a716-446655440000', 'string'],
  json: ['jsonb', '{"a": 1.00}', '{"a": 1.00}', 'string'],
  unbounded: ['numeric', '1e400', '1e400', 'string'],
  'odd name': ['text', 'größe 🦆', 'größe 🦆', 'string'],
};

/** By column, as a reader has it when the value has no place in the type. */
const OUT_OF_RANGE: Readonly<Record<string, string>> = {
  exact: 'NaN',
  day: 'infinity',
  local: '0044-03-15 00:00:00 BC',
  instant: '294276-12-31 23:59:59.999999+00',
  numbers: '{{1},{2}}',
};

const typed = sketchTable({
  relation: 'typed',
  columns: { id: 'bigint', ...Object.fromEntries(Object.entries(COLUMNS).map(([name, [type]]) => [name, type])) },
  key: ['id'],
});
const plain = sketchTable({ relation: 'plain', columns: { id: 'bigint', name: 'text', note: 'text' }, key: ['id'] });

onEveryStorage((makePlace) => {
  let temporary: string;
  let duck: Duck;
  before(async () => {
    duck = await openDuck();
    temporary = await mkdtemp(join(tmpdir(), 'pgveil-temporary-'));
  });
  after(async () => {
    await duck.close();
    await rm(temporary, { recursive: true, force: true });
  });

  async function begin() {
    const place = makePlace();
    const sink = new LakeSink({ pipeline: 'readers', storage: place.storage, temporary, ...SETTINGS });
    await sink.open(signal);
    const read = async (table: string) => {
      const url = `${place.url}/public/${table}`;
      const folder = url.startsWith('s3:') ? '' : url;
      const found = (await runReader(program, url, folder, JSON.stringify(place.options))) as Found;
      if (folder !== '') assert.deepEqual([found.pyarrow, found.duckdb], [found.deltalake, found.deltalake]);
      return found;
    };
    return { sink, place, read };
  }

  test('each type arrives as what it is, and what has no place in it as text', { skip }, async () => {
    const { sink, read } = await begin();
    const values = Object.values(COLUMNS).map(([, value]) => value);
    const strange = Object.keys(COLUMNS).map((name) => OUT_OF_RANGE[name] ?? null);
    await writeCopy(sink, copyOf(typed, []));
    await apply(
      sink,
      upTo(0x200n, [insert(typed, ['9223372036854775807', ...values]), insert(typed, ['2', ...strange])]),
    );
    await sink.close();
    const { types, deltalake } = await read('typed');
    for (const [name, [, , expected, type]] of Object.entries(COLUMNS)) {
      const field = name === 'odd name' ? 'odd%20name' : name;
      assert.equal(types[field], type);
      assert.deepEqual(deltalake[0]![field], expected, name);
      assert.equal(deltalake[1]![field], null);
    }
    assert.equal(deltalake[0]!.id, '9223372036854775807');
    assert.deepEqual(deltalake[0]!._text, null);
    assert.deepEqual(deltalake[1]!._text, Object.entries(OUT_OF_RANGE));
  });

  test('rows, dates and statistics are those of all commits, behind a checkpoint of the log too', {
    skip,
  }, async () => {
    const { sink, place, read } = await begin();
    await writeCopy(sink, copyOf(plain, [['1', 'a', 'large']]));
    await sink.flush(positionAt(0x100n));
    const changes = [update(plain, ['1', 'A', UNCHANGED]), remove(plain, ['1', null, null]), truncate(plain)];
    await apply(sink, upTo(0x200n, changes));
    await new DeltaLog(place.storage, duck, 'public/plain').writeCheckpoint(Date.now());
    await apply(sink, upTo(0x300n, [insert(plain, ['0', 'b', null])]));
    await sink.close();
    const { version, dates, stats, deltalake } = await read('plain');
    assert.equal(version, 2);
    assert.deepEqual(dates, ['2000-01-01']);
    assert.deepEqual(
      deltalake.map((row) => [row._op, row.source_primary_key, row.name, row._unchanged]),
      [
        ['r', '1', 'a', null],
        ['u', '1', 'A', ['note']],
        ['d', '1', null, null],
        ['t', null, null, null],
        ['c', '0', 'b', null],
      ],
    );
    assert.equal(stats.length, 3);
    const first = stats.find((file) => file.num_records === 3)!;
    const shown = ['min.id', 'max.id', 'null_count.id', 'min.name', 'min._commit_ts', 'max._commit_lsn'];
    assert.deepEqual(
      shown.map((name) => first[name]),
      [1, 1, 1, 'A', '2000-01-01 00:00:00+00:00', 0x1f8],
    );
  });

  test('names of tables with spaces, letters of any script and signs can be opened', { skip }, async () => {
    const { sink, read } = await begin();
    for (const relation of ['Order Items', 'größe 注文 🦆', "it's (a) b, c & d + e; @$!"]) {
      const table = sketchTable({ relation, columns: { id: 'bigint', name: 'text' }, key: ['id'] });
      await writeCopy(sink, copyOf(table, [['1', relation]]));
      await sink.flush(positionAt(0x100n));
      const { deltalake } = await read(relation);
      assert.deepEqual(
        deltalake.map(({ name }) => name),
        [relation],
      );
    }
    await sink.close();
  });
});
