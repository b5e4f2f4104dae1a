import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missedSince, sinksAdded } from '../../../../src/app/check/start-findings.ts';
import type { TableEntry } from '../../../../src/core/checkpoint.ts';
import { ERRORS, type ErrorCode, type Finding } from '../../../../src/core/errors.ts';

const column = (attnum: number, name: string) => ({ attnum, name, type: 23, modifier: -1 });
const copied = {
  oid: 100,
  shape: { columns: [column(1, 'id'), column(2, 'code')], key: [2, 1], identity: 'full' },
} as unknown as TableEntry;

function codeOf(code: ErrorCode, key: readonly string[] | null, entry: TableEntry | null = copied): string {
  const finding: Finding = { code, object: 'public.t', message: 'it is so', fix: ERRORS[code].fix };
  const entries = new Map(entry ? [['public.t', entry]] : []);
  return missedSince(entries, new Map([['public.t', { key }]]), finding).code;
}

test('a table that is not there is missing where it was there once, and mistyped where it never was', () => {
  assert.equal(codeOf('unknown_table', null), 'table_missing');
  assert.equal(codeOf('unknown_table', null, null), 'unknown_table');
  assert.equal(codeOf('unknown_table', null, { ...copied, oid: 0 }), 'unknown_table');
});

test('a configured key without an index halts the table that was copied by it, and is mistyped where it was not', () => {
  assert.equal(codeOf('unknown_key', ['id', 'code']), 'no_key');
  assert.equal(codeOf('unknown_key', ['code']), 'unknown_key');
  assert.equal(codeOf('unknown_key', ['id', 'cdoe']), 'unknown_key');
  assert.equal(codeOf('unknown_key', ['id', 'code'], null), 'unknown_key');
});

test('whatever else is found stays what it is', () => {
  assert.equal(codeOf('table_unreadable', null), 'table_unreadable');
});

test('a sink that holds nothing beside others that do has all tables copied anew', () => {
  const checkpoint = { position: null, tables: new Map() };
  const wanted = [{ name: 'public.t', plan: 'p', key: 'k', bytes: 2048 }];
  const added = (stored: Parameters<typeof sinksAdded>[0]) => sinksAdded(stored, wanted).map(({ object }) => object);
  assert.deepEqual(
    added(
      new Map([
        ['twin', checkpoint],
        ['lake', null],
      ]),
    ),
    ['sinks.lake'],
  );
  assert.deepEqual(
    added(
      new Map([
        ['twin', null],
        ['lake', null],
      ]),
    ),
    [],
  );
  assert.deepEqual(
    added(
      new Map([
        ['twin', checkpoint],
        ['lake', undefined],
      ]),
    ),
    [],
  );
});
