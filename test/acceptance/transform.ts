import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Rule } from '../../config/rules.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import type { Rewrite } from '../../src/core/transform.ts';
import { bind } from '../../transforms/binding.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { compile } from '../../transforms/plan.ts';
import { transformOf } from '../../transforms/registry.ts';
import { TupleRewriter } from '../../transforms/rewrite.ts';
import { compileRule } from '../../transforms/rule.ts';
import { Random } from '../support/random/prng.ts';
import { cellsOf, columnOf, configOf, KEY, OTHER_KEY, tableOf, tupleOf, typeOf } from '../transforms/fixture.ts';

/** A transform with options, on a column, and what it claims to do there. */
export interface Claim {
  /** What the tests are called by. */
  readonly name: string;
  readonly rule: Rule;
  /** As in fixture.ts: `varchar(20)`. */
  readonly type: string;
  /** A random value of the column, other than ''. */
  readonly value: (random: Random) => string;
  /** Whether Postgres would take the text as a value of the column. */
  readonly isValid: (result: string) => boolean;
  /**
   * - `all`: no four characters in a row of the value survive; the values must be of characters that the rule itself never writes
   * - `value`: the result is never the value
   * - `nothing`
   */
  readonly hides: 'all' | 'value' | 'nothing';
  /** Whether results depend on the redaction key. */
  readonly isKeyed: boolean;
  /** A column type that the rule must refuse, besides those that every rule refuses. */
  readonly refuses?: string;
}

/** No rule knows the form of these: on them it is an error of the configuration, never a value passed through. */
const REFUSED_BY_ALL = [
  ...[
    'text[]',
    'integer[]',
    'json',
    'jsonb',
    'bytea',
    'xml',
    'tsvector',
    'int4range',
    'int4multirange',
    'point',
    'bit',
  ],
  ...['"char"', 'interval', 'money', 'inet', 'public.address', 'public.hstore', 'public.ltree', 'public.tags'],
];

/** Values that no column of the type need ever hold, and that a rule may meet all the same. */
const HOSTILE = [
  '',
  ' ',
  'NaN',
  '\u0000',
  '💥'.repeat(3),
  'e\u0301',
  '1e99999',
  '-',
  '9'.repeat(500),
  'x'.repeat(70_000),
  '\ud800',
];

/** Postgres fills their values up with blanks, which mean nothing; the last is a domain. */
const PADDED_LENGTH = 200;
const PADDED_TYPES = [`char(${PADDED_LENGTH})`, 'char', 'public.plate'];

const ROUNDS = 2_000;
const LARGE_DOMAIN = 200_000;

/** The suite that every transform must pass, with each kind of options that it has. */
export function testTransform(claim: Claim): void {
  const { rule, isValid, hides } = claim;
  const transform = transformOf(rule);
  const column = columnOf(claim.type);
  const compiled = (key = KEY) => compileRule(column, rule, deriveKeys(key));
  const values = (count: number) => {
    const random = new Random(20261121);
    return Array.from({ length: count }, () => claim.value(random));
  };

  describe(claim.name, () => {
    test('fits its column, and not those whose form it does not know', () => {
      assert.equal(transform.misfit(column, rule.options), null);
      const refused = claim.refuses ? [...REFUSED_BY_ALL, claim.refuses] : REFUSED_BY_ALL;
      for (const type of refused) assert.ok(transform.misfit({ ...column, type: typeOf(type) }, rule.options), type);
    });

    test('gives the same for the same value, whenever it was compiled', () => {
      const [one, other] = [compiled(), compiled()];
      for (const value of [...values(ROUNDS), '']) assert.equal(one(value), other(value));
    });

    test(claim.isKeyed ? 'gives something else under another key' : 'gives the same under another key', () => {
      const [one, other] = [compiled(), compiled(OTHER_KEY)];
      const equal = values(ROUNDS).filter((value) => one(value) === other(value)).length;
      if (claim.isKeyed) assert.ok(equal < ROUNDS / 10);
      else assert.equal(equal, ROUNDS);
    });

    test('gives values of the column, and withholds next to none', () => {
      const results = values(ROUNDS).map(compiled());
      const given = results.filter((result) => result !== null);
      assert.ok(given.every(isValid));
      assert.ok(given.length >= ROUNDS * 0.99);
    });

    if (hides !== 'nothing') {
      test('never gives the value itself', () => {
        const rewrite = compiled();
        for (const value of values(ROUNDS)) assert.notEqual(rewrite(value), value);
      });
    }

    if (hides === 'all') {
      test('lets no four characters of the value survive', () => {
        const rewrite = compiled();
        for (const value of values(ROUNDS)) assert.equal(survivor(value, rewrite(value) ?? ''), null);
      });
    }

    if (transform.injective(rule.options)) {
      test('gives different results for different values', () => {
        const distinct = new Set(values(LARGE_DOMAIN));
        assert.ok(distinct.size > LARGE_DOMAIN / 2);
        assert.equal(new Set([...distinct].map(compiled())).size, distinct.size);
      });
    }

    for (const type of PADDED_TYPES.filter((type) => transform.misfit(columnOf(type), rule.options) === null)) {
      test(`gives for a value of ${type} what it gives for the same text without the padding`, () => {
        const padded = compileRule(columnOf(type), rule, deriveKeys(KEY));
        const plain = compileRule(columnOf('text'), rule, deriveKeys(KEY));
        for (const value of [...values(ROUNDS), '', ' in front', 'a  b', 'a\t', 'a\u00a0']) {
          assert.equal(padded(value.padEnd(PADDED_LENGTH)), plain(value.replace(/ +$/, '')));
        }
      });
    }

    test('leaves NULL alone, and takes it for an empty text where the rule says so', () => {
      assert.deepEqual(throughPlan(rule, true), [null]);
      assert.deepEqual(throughPlan(rule, false), [compiled()('')]);
    });

    test('withholds what it cannot rewrite, and lets no error out that could hold a value', () => {
      const rewrite: Rewrite = compiled();
      for (const value of HOSTILE) {
        const result = rewrite(value);
        assert.ok(result === null || typeof result === 'string');
      }
      for (const thrown of thrownBy(() => transform.compile(column, rule.options, deriveKeys(KEY)), values(200))) {
        assert.equal(survivor(thrown.value, inspect(thrown.error)), null);
      }
    });
  });

  function throughPlan(rule: Rule, nulls: boolean) {
    const decision = { ...rule, options: { ...rule.options, nulls } } as Rule;
    const table = tableOf({ columns: { id: 'integer', c: claim.type } });
    const bound = bind(table, configOf({ 'public.t': { c: decision } }).tables, new Map());
    const rewriter = new TupleRewriter(compile(table, bound, deriveKeys(KEY)), table.key, () => {});
    return cellsOf(rewriter.rewrite(tupleOf('1', null), false, new ByteWriter(64))).slice(1);
  }
}

/** Four characters in a row that both have, or null. */
function survivor(value: string, result: string): string | null {
  const characters = [...value];
  for (let start = 0; start + 4 <= characters.length; start++) {
    const part = characters.slice(start, start + 4).join('');
    if (result.includes(part)) return part;
  }
  return null;
}

/** The bare transform may throw, as the redactor withholds then; but not with a value in the error. */
function thrownBy(compile: () => Rewrite, values: readonly string[]): { value: string; error: unknown }[] {
  const rewrite = compile();
  return values.flatMap((value) => {
    try {
      rewrite(value);
      return [];
    } catch (error) {
      return [{ value, error }];
    }
  });
}
