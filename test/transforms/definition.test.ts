import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../config/rules.ts';
import { NOTHING_ORDERED, type TableEntry } from '../../src/core/checkpoint.ts';
import { shapeOf, type Table } from '../../src/core/table.ts';
import { define } from '../../transforms/definition.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { configOf, constantly, drop, faked, hashed, KEY, keep, masked, nulled, rounded, tableOf } from './fixture.ts';

const table = tableOf({ columns: { id: 'integer', ssn: 'text', note: 'text' } });
const decided = { id: keep, ssn: hashed(), note: keep };

function found(
  of: Table<'raw'>,
  decisions: Readonly<Record<string, Decision>>,
  columns: 'withhold' | 'halt' = 'withhold',
) {
  return define(of, configOf({ 'public.t': decisions }, { columns }), deriveKeys(KEY), new Map()).findings;
}

describe('check finds', () => {
  test('nothing where decisions fit', () => {
    assert.deepEqual(found(table, decided), []);
    assert.deepEqual(found(table, { id: keep }), []);
  });

  test('everything at once, each at its place in the configuration and with its fix', () => {
    const wide = tableOf({
      columns: { id: 'integer', tags: 'text[]', 'Order No': 'varchar(8)', note: 'text' },
      key: ['id', 'note'],
    });
    const all = found(wide, { id: masked(), tags: masked(), 'Order No': hashed(), note: drop, gone: keep });
    assert.deepEqual(
      all.map(({ code, object }) => [code, object]),
      [
        ['unknown_column', 'tables["public.t"].columns.gone'],
        ['rule_misfit', 'tables["public.t"].columns.id'],
        ['key_not_injective', 'tables["public.t"].columns.id'],
        ['rule_misfit', 'tables["public.t"].columns.tags'],
        ['rule_misfit', 'tables["public.t"].columns["Order No"]'],
        ['key_not_injective', 'tables["public.t"].columns.note'],
      ],
    );
    for (const { object, message, fix } of all) assert.ok(message.startsWith(`${object}: `) && fix !== '');
  });

  test('a key column that nobody decided on, whatever is to become of others', () => {
    assert.deepEqual(
      found(table, { ssn: keep }).map(({ code }) => code),
      ['undecided_column'],
    );
    const both = found(table, { ssn: keep }, 'halt').map(({ object }) => object);
    assert.deepEqual(both, ['tables["public.t"].columns.id', 'tables["public.t"].columns.note']);
  });

  test('which decisions two rows could get one key by', () => {
    const text = tableOf({ columns: { id: 'text' } });
    const refused = [drop, nulled, masked(2), hashed(31), faked('email'), constantly('x')];
    for (const decision of refused)
      assert.deepEqual(
        found(text, { id: decision }).map(({ code }) => code),
        ['key_not_injective'],
      );
    for (const decision of [keep, hashed(32), faked('email', { unique: true })])
      assert.deepEqual(found(text, { id: decision }), []);
    assert.deepEqual(
      found(tableOf({ columns: { id: 'numeric' } }), { id: rounded(2) }).map(({ code }) => code),
      ['key_not_injective'],
    );
  });
});

describe('a table that was copied before', () => {
  const keys = deriveKeys(KEY);
  const config = configOf({ 'public.t': decided });
  const { plan } = define(table, config, keys, new Map());
  const entry: TableEntry = {
    ...{
      oid: table.oid,
      binding: plan!.binding,
      shape: shapeOf(table),
      fingerprint: {},
      plan: plan!.table.plan,
      key: keys.fingerprint,
    },
    ...{ formerly: [], generation: 1, state: { state: 'streaming' }, order: NOTHING_ORDERED },
  };
  const entries = new Map([['public.t', entry]]);
  const renamed = (names: Readonly<Record<string, number>>) => {
    const columns = Object.entries(names).map(([name, attnum]) => [name, [attnum === 1 ? 'integer' : 'text', attnum]]);
    return tableOf({ columns: Object.fromEntries(columns) });
  };

  test('has its plan again', () => {
    assert.equal(define(table, config, keys, entries).plan?.table.plan, entry.plan);
  });

  test('does without a column that is gone, which is an error only at first', () => {
    assert.deepEqual(define(renamed({ id: 1, ssn: 2 }), config, keys, entries).findings, []);
    assert.equal(define(renamed({ id: 1, ssn: 2 }), config, keys, new Map()).findings[0]?.code, 'unknown_column');
  });

  test('halts where its column outgrew a rule that fitted, and is an error of the configuration where the rule is new', () => {
    const numbers = tableOf({ columns: { id: 'integer', ssn: 'text', note: 'numeric' } });
    const rounding = configOf({ 'public.t': { ...decided, note: rounded(0) } });
    const copied = define(numbers, rounding, keys, new Map()).plan!;
    const then = { ...entry, binding: copied.binding, shape: shapeOf(numbers), plan: copied.table.plan };
    const codes = (of: Table<'raw'>, by: typeof config) =>
      define(of, by, keys, new Map([['public.t', then]])).findings.map(({ code }) => code);
    assert.deepEqual(codes(table, rounding), ['rule_outgrown']);
    assert.deepEqual(codes({ ...table, oid: table.oid + 1 }, rounding), ['rule_outgrown'], 'a table made anew');
    assert.deepEqual(codes({ ...numbers, key: [2] }, rounding), ['rule_outgrown'], 'another key');
    const edited = configOf({ 'public.t': { ...decided, note: rounded(1) } });
    assert.deepEqual(codes(table, edited), ['rule_misfit']);
    const more = configOf({ 'public.t': { ...decided, note: rounded(0), more: rounded(0) } });
    assert.deepEqual(codes(tableOf({ columns: { id: 'integer', ssn: 'text', note: 'text', more: 'text' } }), more), [
      'rule_outgrown',
      'rule_outgrown',
    ]);
  });

  test('halts where a column of char(n), or of a domain that may have been one over it, outgrew its rule', () => {
    for (const type of ['char(40)', 'public.plate', 'public.email']) {
      const padded = tableOf({ columns: { id: 'integer', ssn: type, note: 'text' } });
      const copied = define(padded, config, keys, new Map()).plan!;
      const then = { ...entry, binding: copied.binding, shape: shapeOf(padded), plan: copied.table.plan };
      const now = tableOf({ columns: { id: 'integer', ssn: 'integer', note: 'text' } });
      const { findings } = define(now, config, keys, new Map([['public.t', then]]));
      assert.deepEqual(
        findings.map(({ code }) => code),
        ['rule_outgrown'],
        type,
      );
    }
  });

  test('has moved names when another decision would apply, and the message has all of them', () => {
    const { plan, findings } = define(renamed({ id: 1, note: 2, ssn: 3 }), config, keys, entries);
    assert.equal(plan, null);
    const [finding, ...more] = findings;
    assert.deepEqual([finding?.code, finding?.object, more], ['names_moved', 'tables["public.t"]', []]);
    assert.match(
      finding!.message,
      /: the column ssn is now called note, the column note is now called ssn\. .* public\.t@[0-9a-f]{16}$/,
    );
    assert.match(finding!.fix, /^pgveil approve 'public\.t@[0-9a-f]{16}', if /);
  });

  test('has moved names when a column that was generated at the copy stands under one, until that is approved', () => {
    const changed = renamed({ id: 1, ssn: 2, note: 4 });
    const then = { ...entry, fingerprint: { generated: [4] } };
    const { plan, approval, findings } = define(changed, config, keys, new Map([['public.t', then]]));
    assert.deepEqual([plan, findings[0]?.code], [null, 'names_moved']);
    assert.match(findings[0]!.message, /: a column that was generated is now called note\. /);
    const approved = { ...then, order: { ...NOTHING_ORDERED, approved: approval!.hash } };
    assert.deepEqual(define(changed, config, keys, new Map([['public.t', approved]])).findings, []);
  });

  test('has its plan by the names of now once this very definition was approved, and no other', () => {
    const swapped = renamed({ id: 1, note: 2, ssn: 3 });
    const { hash } = define(swapped, config, keys, entries).approval!;
    const approved = new Map([['public.t', { ...entry, order: { ...NOTHING_ORDERED, approved: hash } }]]);
    const { plan, bound } = define(swapped, config, keys, approved);
    assert.deepEqual(
      plan?.actions.map(({ kind }) => kind),
      ['keep', 'keep', 'rule'],
    );
    assert.equal(bound.binding.number, 2);
    for (const other of [
      { id: 1, note: 2, ssn: 3, more: 4 },
      { id: 1, note: 2, ssn: 4 },
    ]) {
      assert.equal(define(renamed(other), config, keys, approved).findings[0]?.code, 'names_moved');
    }
  });

  test('is approved once: the same names moved to and fro have another hash', () => {
    const swapped = renamed({ id: 1, note: 2, ssn: 3 });
    const { hash } = define(swapped, config, keys, entries).approval!;
    const later = { ...entry, binding: { ...entry.binding, number: 3 }, order: { ...NOTHING_ORDERED, approved: hash } };
    const again = define(swapped, config, keys, new Map([['public.t', later]]));
    assert.equal(again.plan, null);
    assert.notEqual(again.approval?.hash, hash);
  });

  test('has no moved names when each attnum keeps its decision: the configuration was renamed along', () => {
    const along = configOf({ 'public.t': { id: keep, tax_id: hashed(), note: keep } });
    assert.equal(define(renamed({ id: 1, tax_id: 2, note: 3 }), along, keys, entries).plan?.table.plan, entry.plan);
    const changed = configOf({ 'public.t': { id: keep, tax_id: masked(), note: keep } });
    assert.equal(
      define(renamed({ id: 1, tax_id: 2, note: 3 }), changed, keys, entries).findings[0]?.code,
      'names_moved',
    );
  });

  test('has moved names rather than rules that do not fit because of it', () => {
    const columns = { id: 'integer', note: ['text', 2], ssn: ['integer', 3] } as const;
    assert.deepEqual(
      define(tableOf({ columns }), config, keys, entries).findings.map(({ code }) => code),
      ['names_moved'],
    );
  });
});

test('a table that is not configured is never taken for one without rules', () => {
  assert.throws(() => define(table, configOf({}), deriveKeys(KEY), new Map()), /public\.t is not configured/);
});
