import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import type { Asked, Problem } from './reading.ts';
import type { CatalogRow, ColumnRow, IndexRow, RelationRow } from './row.ts';

export type KeyProblem = Omit<Problem, 'oid'>;

/**
 * The index of the key, if it is usable (docs/configuration.md, "Tables"), or why there is none. Every UPDATE and DELETE
 * must carry the old key, so all of it has to lie in the replica identity: of the table and, since Postgres logs by them, of each leaf.
 */
export function findKey(found: CatalogRow, name: string, { key }: Asked): IndexRow | KeyProblem {
  const candidates = found.indexes.filter((index) =>
    key === null ? index.primary : isOver(index, key, found.columns),
  );
  for (const index of candidates) if (whyUnusable(index, found) === null) return index;
  const why = candidates[0] && whyUnusable(candidates[0], found);
  if (why) return { code: 'no_key', message: `${name}: ${why.message}`, fix: why.fix };
  if (key === null) {
    return { code: 'no_key', message: `${name} has no primary key`, fix: fixWithoutPrimaryKey(found, name) };
  }
  return {
    code: 'unknown_key',
    message: `${name} has no unique index over exactly the columns ${key.map(quoteName).join(', ')}`,
    fix: `Name the columns of one of its unique indexes in \`tables\`, at ${name}, or leave \`key\` out for the primary key.`,
  };
}

function isOver(index: IndexRow, key: readonly string[], columns: readonly ColumnRow[]): boolean {
  const names = namesOf(index, columns);
  return index.unique && names.length === key.length && key.every((name) => names.includes(name));
}

const namesOf = (index: IndexRow, columns: readonly ColumnRow[]): readonly (string | undefined)[] =>
  index.columns.map((attnum) => columns.find((column) => column.attnum === attnum)?.name);

function whyUnusable(index: IndexRow, found: CatalogRow): { message: string; fix: string } | null {
  const columns = index.columns.map((attnum) => found.columns.find((column) => column.attnum === attnum));
  const no = (what: string, fix: string) => ({ message: `the unique index ${quoteName(index.name)} ${what}`, fix });
  const another = 'Name the columns of another unique index as the `key` of the table.';
  if (!index.valid) return no('is not valid', `REINDEX the index, or: ${another}`);
  if (!index.immediate) return no('is deferrable', `Make its constraint NOT DEFERRABLE, or: ${another}`);
  if (index.partial) return no('is partial', another);
  if (index.expressions) return no('is on an expression', another);
  if (columns.some((column) => column?.generated)) return no('is over a generated column', another);
  if (columns.some((column) => !column?.notNull)) {
    return no('is over a column that may be NULL', `SET NOT NULL, or: ${another}`);
  }
  return whyNotIdentified(index, found);
}

function whyNotIdentified(index: IndexRow, found: CatalogRow): { message: string; fix: string } | null {
  const names = namesOf(index, found.columns) as string[];
  const relations = [found.relation, ...found.leaves.read];
  const lacking = relations.filter(
    ({ identity }) => identity !== null && !names.every((name) => identity.includes(name)),
  );
  if (lacking.length === 0) return null;
  const wanted = index.primary
    ? 'DEFAULT'
    : found.leaves.read.length > 0
      ? 'FULL'
      : `USING INDEX ${quoteName(index.name)}`;
  const tables = lacking.map(quoteTable).join(', ');
  const message = `the columns of ${quoteName(index.name)} are not all in the replica identity of ${tables}`;
  return { message, fix: lacking.map((relation) => identify(relation, wanted)).join(' ') };
}

export const identify = (relation: RelationRow, how: string) =>
  `ALTER TABLE ${quoteTable(relation)} REPLICA IDENTITY ${how};`;

function fixWithoutPrimaryKey(found: CatalogRow, name: string): string {
  const usable = found.indexes.find((index) => index.unique && whyUnusable(index, found) === null);
  const add = `ALTER TABLE ${quoteTable(found.relation)} ADD PRIMARY KEY (…);`;
  if (!usable) return add;
  const columns = namesOf(usable, found.columns)
    .map((column) => quoteName(column!))
    .join(', ');
  return `Set \`key: [${columns}]\` in \`tables\`, at ${name}, or: ${add}`;
}
