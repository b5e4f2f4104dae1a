import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../config/rules.ts';
import { NOTHING_ORDERED, type TableEntry } from '../../src/core/checkpoint.ts';
import { shapeOf, type Table } from '../../src/core/table.ts';
import { bind as bindTable } from '../../transforms/binding.ts';
import { hashed, keep, masked, tableOf } from './fixture.ts';

const ssn = hashed();
const note = keep;
const decisions = (columns: Readonly<Record<string, Decision>>) => new Map(Object.entries(columns));
const configured = decisions({ id: keep, ssn, note });

/** With `others` configured as well. */
function bind(
  table: Table<'raw'>,
  columns: ReadonlyMap<string, Decision>,
  entries: ReadonlyMap<string, TableEntry>,
  others: readonly string[] = [],
) {
  const tables = [table.name, ...others].map(
    (name) => [name, { schema: '', relation: name, key: null, columns }] as const,
  );
  return bindTable(table, new Map(tables), entries);
}

/** What a checkpoint knows of a table after its copy. */
function entryOf(table: Table<'raw'>, columns: ReadonlyMap<string, Decision>, number = 1): TableEntry {
  const { binding } = bind(table, columns, new Map());
  const state = { state: 'streaming' } as const;
  return {
    ...{ oid: table.oid, formerly: [], shape: shapeOf(table), fingerprint: {}, plan: 'p', key: 'k', generation: 1 },
    ...{ state, order: NOTHING_ORDERED },
    binding: { ...binding, number },
  };
}

const first = tableOf({ columns: { id: 'integer', ssn: 'text', note: 'text' } });
const known = new Map([['public.t', entryOf(first, configured)]]);

/** The table as it is after a change of its columns: name to attnum. */
function changed(columns: Readonly<Record<string, number>>, oid = first.oid): Table<'raw'> {
  const types = Object.entries(columns).map(([name, attnum]) => [name, ['text', attnum]] as const);
  return tableOf({ oid, columns: Object.fromEntries(types) });
}

function boundNames(table: Table<'raw'>, columns = configured, entries: ReadonlyMap<string, TableEntry> = known) {
  return bind(table, columns, entries).binding.columns.map(({ attnum, name }) => `${attnum} ${name}`);
}

describe('on first sight', () => {
  test('decisions are bound by name', () => {
    const bound = bind(first, configured, new Map());
    assert.deepEqual(bound.decisions, [keep, ssn, note]);
    assert.deepEqual(bound.binding, {
      number: 1,
      columns: [
        { attnum: 1, name: 'id' },
        { attnum: 2, name: 'ssn' },
        { attnum: 3, name: 'note' },
      ],
    });
    assert.deepEqual([bound.isNew, bound.missing, bound.moved], [true, [], []]);
  });

  test('a column without a decision is not bound, and a name without a column is missing', () => {
    const bound = bind(first, decisions({ id: keep, snn: ssn }), new Map());
    assert.deepEqual(bound.decisions, [keep, null, null]);
    assert.deepEqual(bound.missing, ['snn']);
    assert.equal(bound.binding.columns.length, 1);
  });

  test('an entry of a table that stopped before its first copy binds nothing', () => {
    const never = { ...entryOf(first, configured, 0), oid: 0, shape: shapeOf(tableOf({ columns: {} })) };
    const bound = bind(first, configured, new Map([['public.t', never]]));
    assert.deepEqual([bound.isNew, bound.binding.number], [true, 1]);
  });

  test('names such as __proto__ and constructor are names', () => {
    const table = tableOf({ columns: { id: 'integer', ['__proto__']: 'text', constructor: 'text' } });
    assert.deepEqual(bind(table, decisions({ id: keep }), new Map()).decisions, [keep, null, null]);
  });
});

describe('later', () => {
  test('the same table keeps its binding and the number of it', () => {
    assert.equal(bind(first, configured, known).binding, known.get('public.t')!.binding);
  });

  test('a column without a decision that is new stays undecided, and from then on its name is known', () => {
    const bound = bind(changed({ id: 1, ssn: 2, note: 3, extra: 4 }), configured, known);
    assert.deepEqual(bound.decisions, [keep, ssn, note, null]);
    const { columns } = known.get('public.t')!.binding;
    assert.deepEqual(bound.binding, { number: 2, columns });
  });

  test('a new attnum under a name that has a decision takes it: DROP and ADD', () => {
    const bound = bind(changed({ id: 1, note: 3, ssn: 4 }), configured, known);
    assert.deepEqual(bound.decisions, [keep, note, ssn]);
    assert.deepEqual([bound.binding.number, bound.moved], [2, []]);
  });

  test('a column listed beforehand takes its decision when it comes', () => {
    const listed = decisions({ id: keep, ssn, note, later: ssn });
    assert.deepEqual(bind(first, listed, known).missing, ['later']);
    assert.deepEqual(bind(changed({ id: 1, ssn: 2, note: 3, later: 4 }), listed, known).decisions, [
      keep,
      ssn,
      note,
      ssn,
    ]);
  });

  test('a column renamed to a name without a decision takes its own along', () => {
    const bound = bind(changed({ id: 1, tax_id: 2, note: 3 }), configured, known);
    assert.deepEqual(bound.decisions, [keep, ssn, note]);
    assert.deepEqual(bound.names, ['id', 'ssn', 'note']);
    assert.deepEqual([bound.moved, bound.missing], [[], []]);
    assert.deepEqual(boundNames(changed({ id: 1, tax_id: 2, note: 3 })), ['1 id', '2 ssn', '3 note']);
  });

  test('a renamed column keeps what it carries through further renames, and beside a new column of its old name', () => {
    const renamed = changed({ id: 1, tax_id: 2, note: 3 });
    const after = new Map([['public.t', { ...entryOf(first, configured), shape: shapeOf(renamed) }]]);
    assert.deepEqual(bind(changed({ id: 1, vat: 2, note: 3 }), configured, after).decisions, [keep, ssn, note]);
    const both = bind(changed({ id: 1, tax_id: 2, note: 3, ssn: 4 }), configured, after);
    assert.deepEqual(both.decisions, [keep, ssn, note, ssn]);
    assert.deepEqual(both.moved, []);
  });

  test('a column that is gone is missing, and the rest is as it was', () => {
    const bound = bind(changed({ id: 1, ssn: 2 }), configured, known);
    assert.deepEqual([bound.decisions, bound.missing, bound.isNew], [[keep, ssn], ['note'], false]);
  });

  test('a column whose decision was taken out of the configuration is undecided, also under a new name', () => {
    const less = decisions({ id: keep, note });
    assert.deepEqual(bind(first, less, known).decisions, [keep, null, note]);
    const renamed = bind(changed({ id: 1, tax_id: 2, note: 3 }), less, known);
    assert.deepEqual(
      [renamed.decisions, renamed.names],
      [
        [keep, null, note],
        ['id', 'tax_id', 'note'],
      ],
    );
  });
});

describe('an oid that a name was bound to before', () => {
  const [one, another] = [100, 200];
  const entryAt = (oid: number, formerly: number[]) => ({
    ...entryOf(changed({ id: 1, ssn: 2, note: 3 }, oid), configured),
    formerly,
  });
  const as = (relation: string, oid: number) => ({
    ...changed({ id: 1, ssn: 2, note: 3 }, oid),
    relation,
    name: `public.${relation}`,
  });

  test('is no stranger under another name: after one of two tables that swapped names was approved, the other still waits', () => {
    const entries = new Map([
      ['public.t', entryAt(another, [one])],
      ['public.u', entryAt(another, [])],
    ]);
    assert.deepEqual(bind(as('t', another), configured, entries, ['public.u']).moved, []);
    const { moved } = bind(as('u', one), configured, entries, ['public.t']);
    assert.deepEqual(moved, [{ what: 'table', from: 'public.t', to: 'public.u' }]);
  });

  test('is taken in by name when it comes back under its own', () => {
    const { before, moved } = bind(as('t', one), configured, new Map([['public.t', entryAt(another, [one])]]));
    assert.deepEqual([before, moved], [null, []]);
  });
});

describe('names have moved', () => {
  const moved = (
    columns: Readonly<Record<string, number>>,
    by = configured,
    entries: ReadonlyMap<string, TableEntry> = known,
  ) => bind(changed(columns), by, entries).moved.map(({ from, to }) => `${from} to ${to}`);

  test('when two columns swap them', () => {
    assert.deepEqual(moved({ id: 1, note: 2, ssn: 3 }), ['ssn to note', 'note to ssn']);
  });

  test('when a column is dropped and another renamed into its place', () => {
    assert.deepEqual(moved({ id: 1, note: 2 }), ['ssn to note']);
  });

  test('when DROP note, RENAME ssn TO note and ADD ssn leave all names as they were', () => {
    assert.deepEqual(moved({ id: 1, note: 2, ssn: 4 }), ['ssn to note']);
  });

  test('when three columns change places', () => {
    assert.deepEqual(moved({ note: 1, id: 2, ssn: 3 }), ['id to note', 'ssn to id', 'note to ssn']);
  });

  test('when a column that nobody decided on takes a name with a decision', () => {
    const table = changed({ id: 1, ssn: 2, note: 3, misc: 4 });
    const entries = new Map([['public.t', entryOf(table, configured)]]);
    assert.deepEqual(moved({ id: 1, ssn: 2, note: 4 }, configured, entries), ['misc to note']);
  });

  test('when the new name was decided on only in the meantime: nobody knows which column was meant', () => {
    assert.deepEqual(moved({ id: 1, tax_id: 2, note: 3 }, decisions({ id: keep, tax_id: note, note })), [
      'ssn to tax_id',
    ]);
  });

  describe('when a column that was generated at the copy takes a name with a decision', () => {
    const generated = (...attnums: number[]) =>
      new Map([['public.t', { ...entryOf(first, configured), fingerprint: { generated: attnums } }]]);

    test('of one that was dropped', () => {
      const bound = bind(changed({ id: 1, ssn: 2, note: 4 }), configured, generated(4));
      assert.deepEqual(bound.moved, [{ what: 'column', from: null, to: 'note' }]);
    });

    test('of one that never was, as nobody knows what it was called', () => {
      const listed = decisions({ id: keep, ssn, note, later: note });
      const bound = bind(changed({ id: 1, ssn: 2, note: 3, later: 4 }), listed, generated(4));
      assert.deepEqual(bound.moved, [{ what: 'column', from: null, to: 'later' }]);
    });

    test('but not when nobody decided on its name, nor when it is a new one behind it', () => {
      assert.deepEqual(moved({ id: 1, ssn: 2, note: 3, up: 4 }, configured, generated(4)), []);
      assert.deepEqual(moved({ id: 1, ssn: 2, note: 5 }, configured, generated(4)), []);
    });

    test('but not when it was copied as an ordinary one since', () => {
      const ordinary = changed({ id: 1, ssn: 2, note: 4 });
      const entries = new Map([['public.t', { ...entryOf(ordinary, configured), fingerprint: { generated: [] } }]]);
      assert.deepEqual(moved({ id: 1, ssn: 2, note: 4 }, configured, entries), []);
    });

    test('which the entry of an older pgveil does not say', () => {
      const without = new Map([['public.t', { ...entryOf(first, configured), fingerprint: null }]]);
      assert.deepEqual(moved({ id: 1, ssn: 2, note: 4 }, configured, without), []);
      assert.deepEqual(moved({ id: 1, ssn: 2, note: 4 }, configured), []);
    });
  });

  test('but not when the configuration follows a rename that was copied already', () => {
    const renamed = changed({ id: 1, tax_id: 2, note: 3 });
    const entries = new Map([['public.t', { ...entryOf(first, configured), shape: shapeOf(renamed) }]]);
    const bound = bind(renamed, decisions({ id: keep, tax_id: masked(), note }), entries);
    assert.deepEqual([bound.moved, bound.decisions[1]], [[], masked()]);
    assert.deepEqual(bound.names, ['id', 'tax_id', 'note']);
  });
});

describe('a table that was bound under another name', () => {
  const other = tableOf({ oid: 16401, relation: 'u', columns: { id: 'integer', ssn: 'text', note: 'text' } });
  const both = new Map([...known, ['public.u', entryOf(other, configured)] as const]);
  const swapped = { ...first, oid: other.oid };

  test('has moved its name when two tables swap theirs', () => {
    assert.deepEqual(bind(swapped, configured, both, ['public.u']).moved, [
      { what: 'table', from: 'public.u', to: 'public.t' },
    ]);
    assert.deepEqual(bind({ ...other, oid: first.oid }, configured, both, ['public.t']).moved, [
      { what: 'table', from: 'public.t', to: 'public.u' },
    ]);
    assert.deepEqual(bind(first, configured, both, ['public.u']).moved, []);
  });

  test('has moved its name into that of a bound one, also when its own is configured no longer', () => {
    assert.equal(bind(swapped, configured, both).moved.length, 1);
  });

  test('has moved its name to one that is configured for the first time, while its own is still configured', () => {
    const only = new Map([['public.u', entryOf(other, configured)]]);
    assert.equal(bind(swapped, configured, only, ['public.u']).moved.length, 1);
  });

  test('is the same table when the configuration was renamed along, and its columns are known by attnum', () => {
    const only = new Map([['public.u', entryOf(other, configured, 4)]]);
    const bound = bind(swapped, configured, only);
    assert.deepEqual([bound.moved, bound.binding, bound.isNew], [[], only.get('public.u')!.binding, false]);
    const { moved } = bind(changed({ id: 1, note: 2, ssn: 3 }, other.oid), configured, only);
    assert.deepEqual(
      moved.map(({ from }) => from),
      ['ssn', 'note'],
    );
  });

  test('is taken in by name where it was never bound', () => {
    const never = new Map([['public.u', entryOf(other, configured, 0)]]);
    const bound = bind(swapped, configured, never, ['public.u']);
    assert.deepEqual([bound.moved, bound.isNew, bound.before], [[], true, null]);
  });
});

describe('another table under the name, of an oid never seen', () => {
  const replaced = changed({ id: 1, note: 2, ssn: 3 }, 16999);

  test('is taken in by name under the next number', () => {
    const bound = bind(replaced, configured, known);
    assert.deepEqual([bound.decisions, bound.moved, bound.isNew], [[keep, note, ssn], [], false]);
    assert.equal(bound.binding.number, 2);
  });

  test('has a binding of its own even where that looks the same', () => {
    assert.equal(bind({ ...first, oid: 16999 }, configured, known).binding.number, 2);
  });
});
