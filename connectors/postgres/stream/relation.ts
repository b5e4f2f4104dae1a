import type { Table } from '../../../src/core/table.ts';
import type { Relation } from './pgoutput.ts';

const IDENTITY = { d: 'default', i: 'index', f: 'full', n: 'nothing' } as const;

/**
 * Why rows behind this RELATION cannot be read by `table`; null where it says the same as far as it says anything: attnums
 * are not in it, so it proves nothing without a look at the catalog.
 */
export function differenceOfRelation(table: Table<'raw'>, relation: Relation): string | null {
  if (relation.schema !== table.schema || relation.relation !== table.relation) return 'it had another name';
  if (relation.columns.length !== table.columns.length) return 'it had other columns';
  const differs = relation.columns.some((column, i) => {
    const { name, type } = table.columns[i]!;
    return column.name !== name || column.type !== type.oid || column.modifier !== type.modifier;
  });
  if (differs) return 'it had other columns';
  if (IDENTITY[relation.identity] !== table.identity) return 'it had another replica identity';
  if (!table.key.every((index) => relation.columns[index]!.key)) return 'it had another key';
  return null;
}
