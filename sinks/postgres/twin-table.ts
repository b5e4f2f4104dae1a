import type { RedactedTable } from '../../src/core/table.ts';
import { quoteName } from '../../src/postgres/quote.ts';
import { keyType, type TypeOverrides, twinType } from './column-type.ts';
import { generationName, SCHEMA } from './names.ts';

/** What of the configuration shapes a table on the twin. */
export interface TwinLayout {
  readonly pipeline: string;
  readonly types: TypeOverrides;
  /** The name of the key column. */
  readonly sourcePrimaryKey: string;
}

/** One definition of a table as it stands on the twin: worked out once, used for every row. Names are quoted, ready for SQL. */
export interface TwinTable {
  readonly source: RedactedTable;
  /** The generation's name, not quoted. */
  readonly relation: string;
  /** `pgveil."shop_public.customer_16385_g1"`: where COPY and applies go, past the public table. */
  readonly generation: string;
  /** In the order of the source's tuples, with the type the twin should have if its server knows it. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** The column of the key, behind all others. */
  readonly key: { readonly name: string; readonly type: string };
  /** Its name, not quoted. */
  readonly keyColumn: string;
  /** Keys are numeric: equal values may differ in text. */
  readonly keyByValue: boolean;
}

/** `there`: the generation that is there already; null for a new one. */
export function twinTable(source: RedactedTable, layout: TwinLayout, there: string | null = null): TwinTable {
  const relation = there ?? generationName(layout.pipeline, source);
  const type = keyType(source, layout.types);
  return {
    source,
    relation,
    generation: `${SCHEMA}.${quoteName(relation)}`,
    columns: source.columns.map((column) => ({ name: quoteName(column.name), type: twinType(column, layout.types) })),
    key: { name: quoteName(layout.sourcePrimaryKey), type },
    keyColumn: layout.sourcePrimaryKey,
    keyByValue: type.startsWith('numeric'),
  };
}

/** All columns in the order of an encoded row, for SQL. */
export function columnList(table: TwinTable): string {
  return [...table.columns, table.key].map(({ name }) => name).join(', ');
}

/** The same, as the catalog has them. */
export function columnNames({ source, keyColumn }: TwinTable): string[] {
  return [...source.columns.map(({ name }) => name), keyColumn];
}
