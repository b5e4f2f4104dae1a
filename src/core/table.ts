import type { Stage } from './tuple.ts';

/** A column's type as the catalog knows it. */
export interface ColumnType {
  readonly oid: number;
  /** format_type(atttypid, atttypmod) under an empty search_path: `character varying(40)`, `public.mood`. */
  readonly name: string;
  /** atttypmod; -1 where there is none. */
  readonly modifier: number;
  /** pg_type.typtype: base, composite, domain, enum, multirange, pseudo, range. */
  readonly kind: 'b' | 'c' | 'd' | 'e' | 'm' | 'p' | 'r';
  /** pg_type.typcategory ('A' array, 'N' numeric, 'S' string, 'D' date/time …). */
  readonly category: string;
  /** Its namespace is pg_catalog: any Postgres has it. */
  readonly builtIn: boolean;
  /** Blanks at the end of a value mean nothing: `char(n)`, which Postgres fills up with them, and domains over it. */
  readonly padded: boolean;
}

export interface Column {
  /** pg_attribute.attnum. Never used again after a DROP COLUMN, which makes it the identity of what a column holds. */
  readonly attnum: number;
  readonly name: string;
  readonly type: ColumnType;
  /** False under a nondeterministic collation, where equal does not mean equal text. */
  readonly deterministic: boolean;
}

/** An index of the source that the twin can carry over: columns only, no expressions, no predicate. */
export interface Index {
  readonly name: string;
  readonly method: string;
  /** Indices into Table.columns, in the index's order. */
  readonly columns: readonly number[];
}

/**
 * One definition of a table: a changed definition is a new object, so a change's `table` says how its tuples are to be read.
 * `columns` are the live, non-generated ones in attnum order: the order of RELATION, of every tuple and of our COPY.
 */
export interface Table<S extends Stage> {
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  /** `public.customer` or `public."Order Items"`: how configuration, status, logs and checkpoints call it. */
  readonly name: string;
  readonly columns: readonly (S extends 'redacted' ? RedactedColumn : Column)[];
  /** Indices into `columns` of the usable key, in the index's column order. */
  readonly key: readonly number[];
  readonly identity: 'default' | 'index' | 'full';
  readonly indexes: readonly Index[];
  /** Never there at run time; see Tuple.stage. */
  readonly stage?: S;
}

export interface RedactedColumn extends Column {
  /** Nobody decided on it, or its rule failed as a whole: always NULL. The twin has it, lake and topics do not. */
  readonly withheld: boolean;
  /** NULL in every row: withheld, or decided so. */
  readonly isNull: boolean;
}

/** A table as sinks know it: only the columns that leave. */
export interface RedactedTable extends Table<'redacted'> {
  /** Grows with every copy of the table. */
  readonly generation: number;
  /** Hash of the plan that its rows went through; travels with the data. */
  readonly plan: string;
}

/** What a bound definition is compared with: all that makes tuples of one definition unlike those of another. */
export interface Shape {
  readonly columns: readonly {
    readonly attnum: number;
    readonly name: string;
    readonly type: number;
    readonly modifier: number;
  }[];
  /** attnums, in the index's order. */
  readonly key: readonly number[];
  readonly identity: 'default' | 'index' | 'full';
}

export function shapeOf(table: Table<Stage>): Shape {
  return {
    columns: table.columns.map(({ attnum, name, type }) => ({ attnum, name, type: type.oid, modifier: type.modifier })),
    key: table.key.map((index) => table.columns[index]!.attnum),
    identity: table.identity,
  };
}
