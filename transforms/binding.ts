import type { Decision } from '../config/schema.ts';
import type { Binding, TableEntry } from '../src/core/checkpoint.ts';
import type { Column, Table } from '../src/core/table.ts';

/** The decisions of the configuration, each at the column that it is about. */
export interface Bound {
  readonly binding: Binding;
  /** Index by index of the table's columns; null where nobody decided. */
  readonly decisions: readonly (Decision | null)[];
  /** Whether this table is taken in for the first time. */
  readonly first: boolean;
  /** Under which name of the configuration each column is decided: another than its own where it was renamed since. */
  readonly names: readonly string[];
  /** Configured names that no column has. */
  readonly missing: readonly string[];
  /** What took a name that has a decision of its own: columns, or, with the table's names, another table that we know. */
  readonly moved: readonly { readonly from: string; readonly to: string }[];
}

/**
 * Binds decisions to attnums. On first sight by name; later what a column holds moves with its attnum, and so do decisions
 * (contract.md, "Decisions and schema changes"). `entries` are those of all tables: binding and shape of the last copy.
 */
export function bind(
  table: Table<'raw'>,
  configured: ReadonlyMap<string, Decision>,
  entries: ReadonlyMap<string, TableEntry>,
): Bound {
  const entry = entries.get(table.name);
  // Another table under this name is taken in by name: its attnums mean nothing that we know.
  const before = entry?.oid === table.oid ? entry : undefined;
  const names = nameColumns(table.columns, configured, before);
  const first = (entry?.binding.number ?? 0) === 0;
  return {
    binding: numbered(bindings(table.columns, names, configured), entry, before),
    decisions: names.map((name) => configured.get(name) ?? null),
    first,
    names,
    missing: [...configured.keys()].filter((name) => !names.includes(name)),
    moved: [...movedTable(table, entries), ...movedColumns(table.columns, configured, before)],
  };
}

/** Under which configured name each column is decided: its own where that has a decision, else the one it was bound to. */
function nameColumns(
  columns: readonly Column[],
  configured: ReadonlyMap<string, Decision>,
  before: TableEntry | undefined,
): string[] {
  const bound = new Map(before?.binding.columns.map(({ attnum, name }) => [attnum, name]));
  return columns.map(({ attnum, name }) => {
    const carried = bound.get(attnum);
    return !configured.has(name) && carried !== undefined && configured.has(carried) ? carried : name;
  });
}

/** Columns that have another name than at the last copy, and one with a decision: of whichever column that was made. */
function movedColumns(
  columns: readonly Column[],
  configured: ReadonlyMap<string, Decision>,
  before: TableEntry | undefined,
): Bound['moved'] {
  const then = new Map(before?.shape.columns.map(({ attnum, name }) => [attnum, name]));
  return columns
    .filter(({ attnum, name }) => configured.has(name) && then.has(attnum) && then.get(attnum) !== name)
    .map(({ attnum, name }) => ({ from: then.get(attnum)!, to: name }));
}

/** A table that we bound under another name, and that now has this one. */
function movedTable(table: Table<'raw'>, entries: ReadonlyMap<string, TableEntry>): Bound['moved'] {
  if (entries.get(table.name)?.oid === table.oid) return [];
  const bound = [...entries].filter(([name, { oid, binding }]) => {
    return oid === table.oid && name !== table.name && binding.number > 0;
  });
  return bound.map(([name]) => ({ from: name, to: table.name }));
}

function bindings(
  columns: readonly Column[],
  names: readonly string[],
  configured: ReadonlyMap<string, Decision>,
): Binding['columns'] {
  return columns
    .map(({ attnum }, index) => ({ attnum, name: names[index]! }))
    .filter(({ name }) => configured.has(name));
}

/** The binding in force while it stays the same; otherwise the next number, also after another table had the name. */
function numbered(columns: Binding['columns'], entry?: TableEntry, before?: TableEntry): Binding {
  const isSame = before !== undefined && JSON.stringify(before.binding.columns) === JSON.stringify(columns);
  return isSame && before.binding.number > 0 ? before.binding : { number: (entry?.binding.number ?? 0) + 1, columns };
}
