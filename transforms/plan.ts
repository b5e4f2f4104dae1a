import { hash } from 'node:crypto';
import type { Decision } from '../config/rules.ts';
import type { Binding } from '../src/core/checkpoint.ts';
import type { ColumnType, Index, RedactedTable, Table } from '../src/core/table.ts';
import type { Rewrite } from '../src/core/transform.ts';
import type { Bound } from './binding.ts';
import type { Keyring } from './keys.ts';
import { transformOf } from './registry.ts';
import { compileRule } from './rule.ts';

/** What becomes of a column's cells. */
export type Action =
  | { readonly kind: 'keep' | 'drop' | 'null' }
  | { readonly kind: 'rule'; readonly rewrite: Rewrite /** Whether NULL stays NULL. */; readonly keepsNull: boolean };

/** The compiled decisions for one table definition. Compiled once, run for each row. */
export interface Plan {
  /** What leaves, but for the generation. */
  readonly table: Omit<RedactedTable, 'generation'>;
  /** Index by index of the source table's columns. */
  readonly actions: readonly Action[];
  /** Columns that a copy must read, likewise: those whose cells are looked at. */
  readonly wanted: readonly boolean[];
  readonly binding: Binding;
}

/** The decisions must fit the table: see `problems`. */
export function compile(table: Table<'raw'>, { binding, decisions }: Bound, keys: Keyring): Plan {
  const actions = table.columns.map((column, index): Action => {
    const decision = decisions[index] ?? { kind: 'null' };
    if (decision.kind !== 'rule') return decision;
    return { kind: 'rule', rewrite: compileRule(column, decision, keys), keepsNull: decision.options.nulls };
  });
  return {
    table: redactedTable(table, decisions, planHash(table.columns, decisions, keys)),
    actions,
    wanted: actions.map(({ kind }) => kind === 'keep' || kind === 'rule'),
    binding,
  };
}

/** The definition that sinks see: without dropped columns, and with every index that needs none of them. */
function redactedTable(table: Table<'raw'>, decisions: Bound['decisions'], plan: string): Plan['table'] {
  const leaving = table.columns.map((_, index) => index).filter((index) => decisions[index]?.kind !== 'drop');
  const moved = (indices: readonly number[]) => indices.map((index) => leaving.indexOf(index));
  const isWhole = (index: Index) => index.columns.every((column) => leaving.includes(column));
  const { oid, schema, relation, name, identity } = table;
  return {
    ...{ oid, schema, relation, name, identity, plan },
    columns: leaving.map((index) => ({
      ...table.columns[index]!,
      withheld: decisions[index] === null,
      isNull: (decisions[index]?.kind ?? 'null') === 'null',
    })),
    key: moved(table.key),
    indexes: table.indexes.filter(isWhole).map((index) => ({ ...index, columns: moved(index.columns) })),
  };
}

/** Two plans with one hash give equal results. Names of columns are no part of it: a renamed column holds what it held. */
export function planHash(
  columns: readonly { readonly attnum: number; readonly type: Pick<ColumnType, 'padded'> }[],
  decisions: Bound['decisions'],
  keys: Keyring,
): string {
  const decided = columns.flatMap(({ attnum, type }, index) => {
    const decision = decisions[index];
    return decision ? [[attnum, ...canonical(decision, type)]] : [];
  });
  return hash('sha256', JSON.stringify([keys.fingerprint, decided]));
}

/** Rules once saw `char(n)` with its padding. What was copied then is copied anew, and nothing else for its sake. */
const WITHOUT_PADDING = 'without padding';

function canonical(decision: Decision, { padded }: Pick<ColumnType, 'padded'>): unknown[] {
  if (decision.kind !== 'rule') return [decision.kind];
  const { name, version, dictionary } = transformOf(decision);
  const options = Object.entries(decision.options).filter(([, value]) => value !== undefined);
  const written = [name, version, dictionary?.(decision.options) ?? null, options.sort(([a], [b]) => (a < b ? -1 : 1))];
  return padded ? [...written, WITHOUT_PADDING] : written;
}
