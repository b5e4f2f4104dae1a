import type { Column } from './table.ts';

/** Gives the HMAC of values under a key derived for one semantic class, so that a pseudonym depends on key, class and value alone. */
export interface Keys {
  /**
   * HMAC-SHA256 under HKDF-SHA256 of the configured key with info `pgveil/1/CLASS`, as 64 lower-case hex digits (a string:
   * making a Buffer of it would cost more than the HMAC). The same function object for the same class.
   */
  hmac(semanticClass: string): (value: string) => string;
}

/**
 * The new text of a cell, or null to withhold it (and count it). Sees the text that Postgres writes, of `char(n)` without its padding. Equal
 * values of citext, or under a collation that is not deterministic, may have unlike texts. May throw: withheld as well.
 */
export type Rewrite = (value: string) => string | null;

/** One rule, `O` being its options. `compile` runs once per column and table definition, what it returns once per row. */
export interface Transform<O> {
  readonly name: string;
  /** Changes whenever the same input may give another output: it is part of the plan's hash. */
  readonly version: number;
  /** Hash of the word lists it draws from, where it draws from any: an update of their package must not change results in silence. */
  dictionary?(options: O): string;
  /** Whether different values always give different results: only then it may stand on a key column. */
  injective(options: O): boolean;
  /** Why it cannot fit a column of this type, in words with the fix; null where it can. */
  misfit(column: Column, options: O): string | null;
  compile(column: Column, options: O, keys: Keys): Rewrite;
}
