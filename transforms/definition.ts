import type { Config } from '../config/config.ts';
import type { TableEntry } from '../src/core/checkpoint.ts';
import type { Finding } from '../src/core/errors.ts';
import type { Approval } from '../src/core/redactor.ts';
import type { Table } from '../src/core/table.ts';
import { approvalOf, isApproved } from './approval.ts';
import { type Bound, bind, decisionsThen } from './binding.ts';
import { namesMoved, outgrown, problems } from './findings.ts';
import type { Keyring } from './keys.ts';
import { compile, type Plan, planHash } from './plan.ts';
import { isChar } from './text-type.ts';

/** A table definition under the configuration: its plan, or all that stands in the way of one. */
export type Definition = {
  readonly bound: Bound;
  /** What a person has to approve, or did, before it can be copied; null where no decision has moved to other data. */
  readonly approval: Approval | null;
} & (
  | { readonly plan: Plan; readonly findings: readonly [] }
  | { readonly plan: null; readonly findings: readonly Finding[] }
);

type Decisions = Pick<Config, 'tables' | 'unlisted'>;

/** Binds, judges and compiles. `entries` are those of all tables, empty before the first start. */
export function define(
  table: Table<'raw'>,
  { tables, unlisted }: Decisions,
  keys: Keyring,
  entries: ReadonlyMap<string, TableEntry>,
): Definition {
  const bound = bind(table, tables, entries);
  const found = problems(table, bound, unlisted.columns);
  const plan = found.length === 0 ? compile(table, bound, keys) : null;
  // With an equal hash each attnum keeps the decision it had: the configuration was renamed along, or it is all the same.
  const isSame = bound.before !== null && plan?.table.plan === bound.before.plan;
  const approval = bound.moved.length > 0 && !isSame ? approvalOf(table, bound) : null;
  if (approval && !isApproved(approval, entries.get(table.name))) {
    return { bound, approval, plan: null, findings: [namesMoved(table, approval)] };
  }
  if (plan) return { bound, approval, plan, findings: [] };
  const findings = isAsDecided(table, bound, { tables, keys }) ? found.map(outgrown) : found;
  return { bound, approval, plan: null, findings };
}

/** The decisions are those that the last copy was made under: what does not fit them any more is the source's doing. */
function isAsDecided(
  table: Table<'raw'>,
  { last }: Bound,
  { tables, keys }: Pick<Decisions, 'tables'> & { readonly keys: Keyring },
): boolean {
  if (last === null) return false;
  const decisions = decisionsThen(last, tables.get(table.name)!.columns);
  const now = new Map(table.columns.map(({ type }) => [type.oid, type.padded]));
  // Of a type that no column has any more nobody can say whether it was a domain over char(n): either may be.
  return [false, true].some((unknown) => {
    const columns = last.shape.columns.map(({ attnum, type }) => {
      return { attnum, type: { padded: isChar(type) || (now.get(type) ?? unknown) } };
    });
    return planHash(columns, decisions, keys) === last.plan;
  });
}
