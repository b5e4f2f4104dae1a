import type { Rule } from '../config/rules.ts';
import type { Column } from '../src/core/table.ts';
import type { Keys, Rewrite } from '../src/core/transform.ts';
import { transformOf } from './registry.ts';
import { fits, textLimit } from './text-type.ts';

/** A column's rule, ready to run on its cells. What the column cannot hold is withheld. It never throws: an error would hold a value. */
export function compileRule(column: Column, rule: Rule, keys: Keys): Rewrite {
  const rewrite = transformOf(rule).compile(column, rule.options, keys);
  const limit = textLimit(column.type);
  return (value) => {
    try {
      const result = rewrite(value);
      return result === null || limit === null || fits(result, limit) ? result : null;
    } catch {
      return null;
    }
  };
}
