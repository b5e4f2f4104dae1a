import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Decision } from '../config/rules.ts';
import { type Binding, isBound, type TableEntry } from '../src/core/checkpoint.ts';
import type { Column, Table } from '../src/core/table.ts';

/** The decisions of the configuration, each at the column that it is about. */
export interface Bound {
  readonly binding: Binding;
  /** Index by index of the table's columns; null where nobody decided. */
  readonly decisions: readonly (Decision | null)[];
  /** Under which name of the configuration each column is decided: another than its own where it was renamed since. */
  readonly names: readonly string[];
  /** Configured names that no column has. */
  readonly missing: readonly string[];
  /** What this very table was bound as at its last copy; null where it is taken in by name. */
  readonly before: TableEntry | null;
  /** What was bound under the name last, whichever table that was; null where nothing ever was. */
  readonly last: TableEntry | null;
  /** Whether the configured name was never bound to any table. */
  readonly isNew: boolean;
  /** Columns that took a name with a decision of its own, or with its old and new name the table itself. */
  readonly moved: readonly Move[];
}

export interface Move {
  readonly what: 'table' | 'column';
  /** Null for a column that was generated: what it was called is not known. */
  readonly from: string | null;
  readonly to: string;
}

type Columns = ReadonlyMap<string, Decision>;
type Entries = ReadonlyMap<string, TableEntry>;

/**
 * Binds decisions to (table oid, attnum). On first sight by name; later what a column holds moves with its attnum, and so do
 * decisions: docs/configuration.md, "When a table changes". `entries` are those of all tables, as of their last copy.
 */
export function bind(table: Table<'raw'>, tables: Config['tables'], entries: Entries): Bound {
  const configured = tables.get(table.name)?.columns;
  // Nothing is ever taken for a table without rules.
  if (!configured) throw new Error(`${table.name} is not configured, and the source sent it`);
  const own = boundEntry(entries.get(table.name));
  const [knownAs, known] = knownTable(table, entries);
  const isMoved = known !== null && knownAs !== table.name && (own !== null || tables.has(knownAs));
  // What a name once stood for is bound to nothing any more.
  const before = isMoved || known?.oid !== table.oid ? null : known;
  const names = nameColumns(table.columns, configured, before);
  return {
    binding: number(table, bindings(table.columns, names, configured), before, own),
    decisions: names.map((name) => configured.get(name) ?? null),
    names,
    missing: [...configured.keys()].filter((name) => !names.includes(name)),
    before,
    last: before ?? own,
    isNew: before === null && own === null,
    moved: isMoved
      ? [{ what: 'table', from: knownAs, to: table.name }]
      : movedColumns(table.columns, configured, before),
  };
}

/** What the present configuration says of the columns that were copied then: of each of `last.shape.columns`. */
export function decisionsThen(last: TableEntry, configured: Columns): Bound['decisions'] {
  return nameColumns(last.shape.columns, configured, last).map((name) => configured.get(name) ?? null);
}

/** Whether something is decided by its name alone: the table, or a column of it that was neither bound nor copied before. */
export function takesNames(table: Table<'raw'>, { before, names, decisions }: Bound): boolean {
  if (before === null) return true;
  const known = new Set([...before.binding.columns, ...before.shape.columns].map(({ attnum }) => attnum));
  return table.columns.some(
    ({ attnum, name }, index) => decisions[index] !== null && names[index] === name && !known.has(attnum),
  );
}

function boundEntry(entry: TableEntry | undefined): TableEntry | null {
  return isBound(entry) ? entry : null;
}

/**
 * The name and the entry that this table was bound under; its own name goes first, and what a name stands for before what it once stood
 * for. Another name means that the table was renamed: with the configuration where only the new name is configured and that was never
 * bound; otherwise two tables share a name.
 */
function knownTable(table: Table<'raw'>, entries: Entries): [string, TableEntry | null] {
  const names = [table.name, ...entries.keys()];
  const name =
    names.find((name) => boundEntry(entries.get(name))?.oid === table.oid) ??
    names.find((name) => entries.get(name)?.formerly.includes(table.oid));
  return [name ?? table.name, name === undefined ? null : entries.get(name)!];
}

/** Under which configured name each column is decided: its own where that has a decision, else the one it was bound to. */
function nameColumns(
  columns: readonly Pick<Column, 'attnum' | 'name'>[],
  configured: Columns,
  before: TableEntry | null,
): string[] {
  const bound = new Map(before?.binding.columns.map(({ attnum, name }) => [attnum, name]));
  return columns.map(({ attnum, name }) => {
    const carried = bound.get(attnum);
    return !configured.has(name) && carried !== undefined && configured.has(carried) ? carried : name;
  });
}

/**
 * Columns that have another name than at the last copy, and one with a decision: for whichever column that was meant. What was generated then
 * was not copied, and may hold what any other column does.
 */
function movedColumns(columns: readonly Column[], configured: Columns, before: TableEntry | null): Move[] {
  const then = new Map<number, string | null>(before?.fingerprint?.generated?.map((attnum) => [attnum, null]));
  for (const { attnum, name } of before?.shape.columns ?? []) then.set(attnum, name);
  return columns
    .filter(({ attnum, name }) => configured.has(name) && then.has(attnum) && then.get(attnum) !== name)
    .map(({ attnum, name }) => ({ what: 'column', from: then.get(attnum) ?? null, to: name }));
}

function bindings(columns: readonly Column[], names: readonly string[], configured: Columns): Binding['columns'] {
  return columns
    .map(({ attnum }, index) => ({ attnum, name: names[index]! }))
    .filter(({ name }) => configured.has(name));
}

/**
 * The binding in force while it stays the same, otherwise the next: numbers go on also when another table takes the name. A column that
 * nobody decided on counts, too: that it was known under that name is what tells later that it took another one.
 */
function number(
  table: Table<'raw'>,
  columns: Binding['columns'],
  before: TableEntry | null,
  own: TableEntry | null,
): Binding {
  const known = new Map(before?.shape.columns.map(({ attnum, name }) => [attnum, name]));
  const isKnown = table.columns.every(({ attnum, name }) => known.get(attnum) === name);
  if (before && isKnown && isDeepStrictEqual(before.binding.columns, columns)) return before.binding;
  return { number: Math.max(before?.binding.number ?? 0, own?.binding.number ?? 0) + 1, columns };
}
