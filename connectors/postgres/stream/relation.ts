import type { Column, Table } from '../../../src/core/table.ts';
import type { Relation } from './pgoutput.ts';

const IDENTITY = { d: 'default', i: 'index', f: 'full', n: 'nothing' } as const;

/**
 * The columns of rows behind this RELATION, in attnum order: those of `table`, and with them the `generated` ones where the publication sends
 * those. Only generated columns that were there at the copy may be given: then as many columns as these are these and no others, since the
 * RELATION has all that live and an attnum is never used again.
 */
export function columnsSent(
  { columns }: Table<'raw'>,
  generated: readonly Column[],
  relation: Relation,
): readonly Column[] {
  if (relation.columns.length === columns.length) return columns;
  return [...columns, ...generated].sort((one, other) => one.attnum - other.attnum);
}

/**
 * Why rows behind this RELATION cannot be read by `table`, of which it should have the columns `sent`; null where it says the same as far as
 * it says anything: attnums are not in it, so it proves nothing without a look at the catalog.
 */
export function differenceOfRelation(
  table: Table<'raw'>,
  relation: Relation,
  sent: readonly Column[] = table.columns,
): string | null {
  if (relation.schema !== table.schema || relation.relation !== table.relation) return 'it had another name';
  if (relation.columns.length !== sent.length) return 'it had other columns';
  const differs = relation.columns.some((column, i) => {
    const { name, type } = sent[i]!;
    return column.name !== name || column.type !== type.oid || column.modifier !== type.modifier;
  });
  if (differs) return 'it had other columns';
  if (IDENTITY[relation.identity] !== table.identity) return 'it had another replica identity';
  if (!table.key.every((index) => relation.columns[sent.indexOf(table.columns[index]!)]!.key))
    return 'it had another key';
  return null;
}

/** The positions in each row of the columns that nobody reads. */
export function omittedOf({ columns }: Table<'raw'>, sent: readonly Column[]): readonly number[] {
  return sent.flatMap((column, i) => (columns.includes(column) ? [] : [i]));
}
