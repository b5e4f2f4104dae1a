import type { Column, RedactedTable } from '../../src/core/table.ts';

/** By the name of a column's type on the source (`public.mood`), the type that the twin's column gets instead. */
export type TypeOverrides = ReadonlyMap<string, string>;

/** Names of objects that need not be on the twin (`reg*`, aclitem), and types that no Postgres reads from text. */
const UNREADABLE_TYPE =
  /^(reg[a-z]+|aclitem|gtsvector|pg_(node_tree|ndistinct|dependencies|mcv_list|brin_\w+))(\[\])*$/;

/** Types whose equal values have equal texts, and numeric, whose keys are compared by value. */
const KEY_TYPE =
  /^(smallint|integer|bigint|uuid|text|character varying|date|timestamp|bytea|boolean|numeric)\b(?!.*\[\])/;

/** Types whose text never holds a byte that COPY wants escaped. */
const PLAIN_TYPE =
  /^(smallint|integer|bigint|oid|uuid|date|time|timestamp|boolean|numeric|real|double precision|interval|inet|cidr|macaddr8?|pg_lsn)\b(?!.*\[\])/;

/** The type of a column on the twin, before it is known whether that server has it. */
export function twinType(column: Column, overrides: TypeOverrides): string {
  const { name, kind, builtIn } = column.type;
  const override = overrides.get(name) ?? overrides.get(withoutModifier(name));
  if (override !== undefined) return override;
  const carried = builtIn && (kind === 'b' || kind === 'r' || kind === 'm') && !UNREADABLE_TYPE.test(name);
  return carried ? name : 'text';
}

/** The type of `source_primary_key`: that of a single key column where equal means equal text, and numeric; text otherwise. */
export function keyType(table: RedactedTable, overrides: TypeOverrides): string {
  const column = table.columns[table.key[0]!]!;
  if (table.key.length > 1 || !column.deterministic) return 'text';
  const { name, builtIn } = column.type;
  return builtIn && KEY_TYPE.test(name) && twinType(column, overrides) === name ? name : 'text';
}

/** Whether a value's bytes are a field of COPY's text format as they are. */
export function isPlain(column: Column): boolean {
  return column.type.builtIn && PLAIN_TYPE.test(column.type.name);
}

/** `character varying(40)[]` to `character varying[]`. */
export function withoutModifier(name: string): string {
  return name.replace(/\([^)]*\)/, '');
}
