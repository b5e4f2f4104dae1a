import type { ColumnType } from '../../../src/core/table.ts';
import type { Publishing, UsedType } from './reading.ts';

/** One table as CATALOG found it, before anything is made of it. */
export interface CatalogRow {
  readonly relation: RelationRow;
  /** In attnum order; generated ones too. */
  readonly columns: readonly ColumnRow[];
  readonly indexes: readonly IndexRow[];
  /** Empty unless it is partitioned. */
  readonly leaves: { readonly oids: string; readonly read: readonly RelationRow[] };
  /** The tables that it is a partition of; `sent` where the publication sends its rows as that one's. */
  readonly ancestors: readonly { readonly oid: number; readonly sent: boolean }[];
  readonly publishing: Publishing | null;
  /** The publication sends stored generated columns, or will. True before Postgres 18, where none does and nothing depends on it. */
  readonly sendsGenerated: boolean;
  readonly types: readonly UsedType[];
}

export interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  /** pg_class.relkind. */
  readonly kind: string;
  /** pg_class.relpersistence. */
  readonly persistence: string;
  readonly replicaIdentity: 'd' | 'i' | 'f' | 'n';
  /** Names of the replica identity's columns; null under FULL, which holds them all. */
  readonly identity: readonly string[] | null;
  readonly relfilenode: number;
  readonly changedBy: number;
  readonly columnsChangedBy: readonly number[];
  readonly toast: number;
  readonly attachedBy: string;
  readonly bytes: number;
  readonly definition: string;
}

export interface ColumnRow {
  readonly attnum: number;
  readonly name: string;
  /** pg_attribute.attgenerated: '' is an ordinary column, 's' stored, 'v' virtual (since 18). */
  readonly generated: '' | 's' | 'v';
  readonly notNull: boolean;
  readonly deterministic: boolean;
  readonly type: ColumnType;
}

export interface IndexRow {
  readonly name: string;
  readonly method: string;
  /** attnums, in the index's order, without INCLUDE columns; 0 is an expression. */
  readonly columns: readonly number[];
  readonly unique: boolean;
  readonly primary: boolean;
  readonly valid: boolean;
  readonly immediate: boolean;
  readonly partial: boolean;
  readonly expressions: boolean;
  /** Its operator classes are the types' default ones. */
  readonly defaultClasses: boolean;
}

/** What the driver gives for a row of CATALOG: text, and JSON as text. */
export type TextRow = Record<'snapshot' | 'lsn' | 'found' | 'sends_generated', string> &
  Record<'nth' | 'relation' | 'columns' | 'indexes' | 'leaves' | 'ancestors' | 'publishing' | 'types', string | null>;

/** Null where the table is not there. */
export function parseRow(row: TextRow): CatalogRow | null {
  if (row.found !== 't') return null;
  return {
    relation: parseJson<RelationRow>(row.relation),
    columns: (parseJson<string[][] | null>(row.columns) ?? []).map(parseColumn),
    indexes: (parseJson<string[][] | null>(row.indexes) ?? []).map(parseIndex),
    leaves: parseJson<CatalogRow['leaves']>(row.leaves),
    ancestors: parseJson<CatalogRow['ancestors']>(row.ancestors),
    publishing: parseJson<Publishing | null>(row.publishing),
    sendsGenerated: row.sends_generated === 't',
    types: parseJson<UsedType[] | null>(row.types) ?? [],
  };
}

const parseJson = <T>(text: string | null): T => JSON.parse(text ?? 'null');

function parseColumn(fields: readonly string[]): ColumnRow {
  const [attnum, name, generated, notNull, nondeterministic, ...type] = fields as Fields<5>;
  return {
    attnum: Number(attnum),
    name,
    generated: generated as ColumnRow['generated'],
    notNull: notNull === 'true',
    deterministic: nondeterministic !== 'true',
    type: parseType(type),
  };
}

function parseType(fields: readonly string[]): ColumnType {
  const [oid, name, modifier, kind, category, builtIn, padded] = fields as Fields<7>;
  return {
    oid: Number(oid),
    name,
    modifier: Number(modifier),
    kind: kind as ColumnType['kind'],
    category,
    builtIn: builtIn === 'true',
    padded: padded === 'true',
  };
}

function parseIndex(fields: readonly string[]): IndexRow {
  const [name, method, columns, ...flags] = fields as Fields<3>;
  const [unique, primary, valid, immediate, partial, expressions, defaultClasses] = flags.map(
    (flag) => flag === 'true',
  );
  return {
    name,
    method,
    columns: columns.split(' ').map(Number),
    unique: unique!,
    primary: primary!,
    valid: valid!,
    immediate: immediate!,
    partial: partial!,
    expressions: expressions!,
    defaultClasses: defaultClasses!,
  };
}

/** At least so many fields: the query writes them all. */
type Fields<N extends 3 | 5 | 7> = N extends 3
  ? [string, string, string, ...string[]]
  : N extends 5
    ? [string, string, string, string, string, ...string[]]
    : [string, string, string, string, string, string, string];
