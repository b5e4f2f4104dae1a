import type { Rule } from '../config/schema.ts';
import type { Column } from '../src/core/table.ts';
import type { Keys, Rewrite } from '../src/core/transform.ts';
import { transformOf } from './registry.ts';
import { fits, isPadded, textLimit } from './text-type.ts';

/** A column's rule, ready to run on its cells. What the column cannot hold is withheld. It never throws: an error would hold a value. */
export function compileRule(column: Column, rule: Rule, keys: Keys): Rewrite {
  const rewrite = transformOf(rule).compile(column, rule.options, keys);
  const canonical = isPadded(column.type) ? (value: string) => rewrite(withoutPadding(value)) : rewrite;
  const limit = textLimit(column.type);
  return (value) => {
    try {
      const result = canonical(value);
      return result === null || limit === null || fits(result, limit) ? result : null;
    } catch {
      return null;
    }
  };
}

/** The blanks that char(n) comes with are no part of the value: `'ab'` has one pseudonym, in char(5) as in varchar(5). */
function withoutPadding(value: string): string {
  let end = value.length;
  while (end > 0 && value[end - 1] === ' ') end--;
  return value.slice(0, end);
}
