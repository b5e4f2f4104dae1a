import { quoteName } from '../../../src/postgres/quote.ts';
import { identify, type KeyProblem } from './key.ts';
import type { Asked } from './reading.ts';
import type { CatalogRow, IndexRow, RelationRow } from './row.ts';

/**
 * Why the application could not update or delete rows while the table is published; null where it can. Since 18 the server refuses both where
 * the replica identity holds a generated column that the publication does not send, and no publication sends a virtual one (docs/decisions/0020).
 */
export function whyIdentityUnfit(
  found: CatalogRow,
  name: string,
  key: IndexRow,
  { publication }: Asked,
): KeyProblem | null {
  const relations = [found.relation, ...found.leaves.read];
  const refuse = (what: string, fix: string): KeyProblem => ({
    code: 'identity_unfit',
    message: `${name}: its replica identity holds the ${what}: PostgreSQL refuses UPDATE and DELETE on it while it is published`,
    fix,
  });
  const virtual = heldBy(relations, found, 'v');
  if (virtual.column !== null) {
    const what = `virtual generated column ${quoteName(virtual.column)}, which no publication sends`;
    return refuse(what, narrow(virtual.relations, found, key));
  }
  const stored = heldBy(relations, found, 's');
  if (stored.column === null || found.sendsGenerated) return null;
  const what = `generated column ${quoteName(stored.column)}, which the publication ${quoteName(publication)} does not send`;
  return refuse(what, `ALTER PUBLICATION ${quoteName(publication)} SET (publish_generated_columns = stored);`);
}

/** The relations whose replica identity holds a column of this kind, and the first such column. */
function heldBy(relations: readonly RelationRow[], { columns }: CatalogRow, kind: 's' | 'v') {
  const generated = columns.filter((column) => column.generated === kind);
  const held = ({ identity }: RelationRow) =>
    generated.find(({ name }) => identity === null || identity.includes(name))?.name ?? null;
  const holding = relations.filter((relation) => held(relation) !== null);
  return { relations: holding, column: holding[0] ? held(holding[0]) : null };
}

/** An index of each partition would have to be named where it is not that of the primary key. */
function narrow(relations: readonly RelationRow[], { leaves }: CatalogRow, { name, primary }: IndexRow): string {
  if (!primary && leaves.read.length > 0) return 'Drop the generated column, or leave the table out.';
  const how = primary ? 'DEFAULT' : `USING INDEX ${quoteName(name)}`;
  return relations.map((relation) => identify(relation, how)).join(' ');
}
