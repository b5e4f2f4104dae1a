import type { Rule } from '../config/rules.ts';
import type { Column } from '../src/core/table.ts';
import type { Keys, Rewrite } from '../src/core/transform.ts';
import { withoutPadding } from './characters.ts';
import { transformOf } from './registry.ts';
import { fits, textLimit } from './text-type.ts';

/**
 * A column's rule, ready to run on its cells. A value of `char(n)` comes without its padding, as Postgres compares and casts it. What the
 * column cannot hold is withheld. It never throws: an error would hold a value.
 */
export function compileRule(column: Column, rule: Rule, keys: Keys): Rewrite {
  const { type } = column;
  const compiled = transformOf(rule).compile(column, rule.options, keys);
  const rewrite: Rewrite = type.padded ? (value) => compiled(withoutPadding(value)) : compiled;
  const limit = textLimit(type);
  return (value) => {
    try {
      const result = rewrite(value);
      return result === null || limit === null || fits(result, limit) ? result : null;
    } catch {
      return null;
    }
  };
}
