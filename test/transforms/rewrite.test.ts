import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../config/rules.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { bind } from '../../transforms/binding.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { compile } from '../../transforms/plan.ts';
import { TupleRewriter } from '../../transforms/rewrite.ts';
import { Random } from '../support/random/prng.ts';
import {
  type Cell,
  cellsOf,
  configOf,
  constantly,
  drop,
  hashed,
  KEY,
  keep,
  masked,
  nulled,
  rounded,
  tableOf,
  tupleOf,
  UNCHANGED,
} from './fixture.ts';

/** A rewriter of a table with a column for each decision, all of them text; the first is the key. */
function rewriterOf(decisions: readonly (Decision | null)[], types: Readonly<Record<number, string>> = {}) {
  const names = decisions.map((_, index) => `c${index}`);
  const table = tableOf({ columns: Object.fromEntries(names.map((name, index) => [name, types[index] ?? 'text'])) });
  const configured = new Map(names.flatMap((name, index) => (decisions[index] ? [[name, decisions[index]]] : [])));
  const withheld: number[] = [];
  const plan = compile(
    table,
    bind(table, configOf({ 'public.t': Object.fromEntries(configured) }).tables, new Map()),
    deriveKeys(KEY),
  );
  const rewriter = new TupleRewriter(plan, table.key, (column) => withheld.push(column));
  const rewrite = (cells: readonly Cell[], isKeyOnly = false, out = new ByteWriter(0)) => {
    const tuple = rewriter.rewrite(tupleOf(...cells), isKeyOnly, out);
    return tuple && cellsOf(tuple);
  };
  return { rewrite, rewriter, withheld };
}

describe('a rewritten tuple', () => {
  test('has its ruled cells rewritten, its dropped ones gone, and the others as they were', () => {
    const { rewrite } = rewriterOf([keep, masked(), keep, drop, nulled, null, keep, masked(1)]);
    assert.deepEqual(rewrite(['1', 'secret', 'Zoë', 'gone', 'x', 'y', '', 'ab']), [
      '1',
      '******',
      'Zoë',
      null,
      null,
      '',
      'a*',
    ]);
  });

  test('keeps NULL under every rule, unless the rule says otherwise', () => {
    const { rewrite } = rewriterOf([
      keep,
      masked(),
      hashed(),
      constantly('x'),
      constantly('x', false),
      masked(0, 0, '*', false),
    ]);
    assert.deepEqual(rewrite(['1', null, null, null, null, null]), ['1', null, null, null, 'x', '']);
    assert.deepEqual(rewrite(['1', '', '', '', '', ''])?.length, 6);
  });

  test('has an old key’s other cells as NULL, whatever the rules say of NULL', () => {
    const { rewrite } = rewriterOf([keep, constantly('x', false), nulled, drop]);
    assert.deepEqual(rewrite(['1', null, null, null], true), ['1', null, null]);
  });

  test('says of an unchanged value that it is one, but for columns that hold none', () => {
    const { rewrite } = rewriterOf([keep, keep, masked(), constantly('x', false), nulled, null, drop]);
    const all = Array.from({ length: 6 }, (): Cell => UNCHANGED);
    assert.deepEqual(rewrite(['1', ...all]), ['1', UNCHANGED, UNCHANGED, UNCHANGED, null, null]);
  });

  test('has NULL where a rule could not rewrite, and the column is told', () => {
    const { rewrite, withheld } = rewriterOf([keep, rounded(0), keep], { 1: 'public.price' });
    assert.deepEqual(rewrite(['1', '$1.50', 'a']), ['1', null, 'a']);
    assert.deepEqual(rewrite(['2', '1.50', 'b']), ['2', '2', 'b']);
    assert.deepEqual(withheld, [1]);
  });

  test('is none where the rule of a key column could not rewrite', () => {
    const { rewrite, withheld } = rewriterOf([rounded(0), keep], { 0: 'public.price' });
    assert.equal(rewrite(['$1.50', 'a']), null);
    assert.deepEqual(withheld, [0]);
    assert.deepEqual(rewrite([null, 'a']), [null, 'a']);
  });

  test('of other columns than the table has is refused', () => {
    const { rewrite } = rewriterOf([keep, masked()]);
    assert.throws(() => rewrite(['1', 'a', 'b']), /does not have the columns of its table/);
    assert.throws(() => rewrite(['1']), /does not have the columns of its table/);
  });

  test('comes behind those that are there already, and leaves them alone', () => {
    const { rewriter } = rewriterOf([keep, masked()]);
    const out = new ByteWriter(0);
    const tuples = ['a', 'bb', 'c'.repeat(10_000), '💥'].map(
      (text) => rewriter.rewrite(tupleOf('1', text), false, out)!,
    );
    assert.deepEqual(tuples.map(cellsOf), [
      ['1', '*'],
      ['1', '**'],
      ['1', '*'.repeat(10_000)],
      ['1', '*'],
    ]);
  });
});

test('every mix of decisions and cells comes out as cell by cell', () => {
  const random = new Random(7);
  const some: [Decision | null, (cell: Cell) => Cell[]][] = [
    [keep, (cell) => [cell]],
    [drop, () => []],
    [nulled, () => [null]],
    [null, () => [null]],
    [constantly('constant'), (cell) => [typeof cell === 'string' ? 'constant' : cell]],
    [masked(1, 0), (cell) => [typeof cell === 'string' ? maskBehindFirst(cell) : cell]],
  ];
  for (let round = 0; round < 500; round++) {
    const columns = Array.from({ length: random.int(0, 12) }, () => random.pick(some));
    const { rewrite } = rewriterOf([keep, ...columns.map(([decision]) => decision)]);
    for (let row = 0; row < 5; row++) {
      const cells = columns.map(
        (): Cell => random.pick([null, UNCHANGED, '', 'ab', 'Zoë 💥', 'x'.repeat(random.size(1, 300))]),
      );
      assert.deepEqual(rewrite(['key', ...cells]), [
        'key',
        ...columns.flatMap(([, expected], index) => expected(cells[index]!)),
      ]);
    }
  }
});

function maskBehindFirst(text: string): string {
  const characters = [...text];
  return characters.map((character, index) => (index === 0 && characters.length > 1 ? character : '*')).join('');
}
