import type { Decision } from '../config/rules.ts';
import { ERRORS, type ErrorCode, type Finding } from '../src/core/errors.ts';
import type { Approval } from '../src/core/redactor.ts';
import type { Column, Table } from '../src/core/table.ts';
import type { Bound } from './binding.ts';
import { transformOf } from './registry.ts';

/** What keeps a plan from being compiled: all of it at once. */
export function problems(table: Table<'raw'>, bound: Bound, unlisted: 'withhold' | 'halt'): Finding[] {
  const missing = bound.isNew ? bound.missing : [];
  return [
    ...missing.map((name) => finding('unknown_column', columnPath(table.name, name), 'the table has no such column')),
    ...table.columns.flatMap((column, index) => {
      const path = columnPath(table.name, bound.names[index]!);
      const decision = bound.decisions[index] ?? null;
      const isKey = table.key.includes(index);
      if (decision === null) return isKey || unlisted === 'halt' ? [undecided(path, isKey)] : [];
      return [...misfit(path, column, decision), ...(isKey ? notInjective(path, decision) : [])];
    }),
  ];
}

/** The same of decisions that fitted once: it halts the table, where a new decision that does not fit ends the start. */
export function outgrown(found: Finding): Finding {
  if (ERRORS[found.code].recovery === 'halt table') return found;
  return { ...found, code: 'rule_outgrown', fix: ERRORS.rule_outgrown.fix };
}

/** Names that now stand for something else than what was decided on under them. */
export function namesMoved({ name }: Table<'raw'>, { hash, moved }: Approval): Finding {
  const object = `tables[${JSON.stringify(name)}]`;
  const approve = `pgveil approve '${name}@${hash}'`;
  return {
    code: 'names_moved',
    object,
    message: `${object}: ${moved}. The definition as it stands is ${name}@${hash}`,
    fix: `${approve}, if the configuration means what its names stand for now; otherwise rename them back, or correct the configuration.`,
  };
}

/** A sink that is away may know that they stood for something else. */
export function namesUnknown({ name }: Table<'raw'>): Finding {
  const object = `tables[${JSON.stringify(name)}]`;
  const { fix } = ERRORS.names_unknown;
  const why = 'a sink that has not answered since the start may know what its names were bound to';
  return { code: 'names_unknown', object, message: `${object}: ${why}`, fix };
}

/** What a person should know of a table that goes on all the same. */
export function warnings(table: Table<'raw'>, bound: Bound): Omit<Finding, 'object'>[] {
  const path = (column: string) => columnPath(table.name, column);
  const undecided = table.columns.filter((_, index) => bound.decisions[index] === null);
  const renamed = table.columns.map(({ name }, index) => [name, bound.names[index]!] as const);
  return [
    ...undecided.map(({ name }) => ({
      code: 'undecided_column' as const,
      message: `${path(name)}: no decision about this column, so it is NULL`,
      fix: ERRORS.undecided_column.fix,
    })),
    ...renamed
      .filter(([name, decidedAs]) => name !== decidedAs)
      .map(([name, decidedAs]) => ({
        code: 'column_renamed' as const,
        message: `${path(decidedAs)}: the column is now called ${name}, and took its decision along`,
        fix: `Rename ${decidedAs} to ${name} in the configuration.`,
      })),
    ...bound.missing.map((name) => ({
      code: 'column_gone' as const,
      message: `${path(name)}: the table no longer has this column`,
      fix: ERRORS.column_gone.fix,
    })),
  ];
}

function undecided(path: string, isKey: boolean): Finding {
  return finding(
    'undecided_column',
    path,
    isKey ? 'a column of the key has no decision' : 'the column has no decision',
  );
}

function misfit(path: string, column: Column, decision: Decision): Finding[] {
  const why = decision.kind === 'rule' ? transformOf(decision).misfit(column, decision.options) : null;
  return why === null ? [] : [finding('rule_misfit', path, why)];
}

function notInjective(path: string, decision: Decision): Finding[] {
  if (decision.kind === 'keep') return [];
  if (decision.kind === 'rule' && transformOf(decision).injective(decision.options)) return [];
  const name = decision.kind === 'rule' ? decision.name : decision.kind;
  return [finding('key_not_injective', path, `with \`${name}\` two rows could get one key`)];
}

function finding(code: ErrorCode, object: string, message: string): Finding {
  return { code, object, message: `${object}: ${message}`, fix: ERRORS[code].fix };
}

/** The place of a decision in the configuration: `tables["public.t"].columns.x`. */
function columnPath(table: string, column: string): string {
  const step = /^[A-Za-z_][A-Za-z0-9_]*$/.test(column) ? `.${column}` : `[${JSON.stringify(column)}]`;
  return `tables[${JSON.stringify(table)}].columns${step}`;
}
