import type { Config } from '../../../config/config.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Column, Table } from '../../../src/core/table.ts';

/** A table as the configuration asks for it. */
export interface Asked {
  readonly schema: string;
  readonly relation: string;
  /** `tables.X.key`; null for the primary key. */
  readonly key: readonly string[] | null;
  /** The publication that its changes come by. */
  readonly publication: string;
}

export function askedOf({ tables, source }: Pick<Config, 'tables' | 'source'>): Map<string, Asked> {
  return new Map([...tables].map(([name, table]) => [name, { ...table, publication: source.publication }]));
}

/** pg_current_snapshot(): which transactions a reading saw as finished. */
export interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  readonly running: readonly bigint[];
}

/** Whether a snapshot sees the transaction as finished. The stream gives 32 bits of its xid, the snapshot all 64. */
export function isOver(xid: number, { xmin, xmax, running }: Snapshot): boolean {
  // Two xids are never more than 2^31 apart while both mean anything, so the nearest one with these low bits is meant.
  const full = xmax + BigInt.asIntN(32, BigInt(xid) - xmax);
  return full < xmin || (full < xmax && !running.includes(full));
}

/** A relation that holds rows: the table itself, or each leaf of a partitioned one. */
export interface Leaf {
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  /** Changes with every rewrite: TRUNCATE, VACUUM FULL, CLUSTER, ALTER … TYPE. */
  readonly relfilenode: number;
  /** The transaction that made or last changed its row in pg_class, a new file among the changes: 32 bits of its xid. */
  readonly changedBy: number;
  /** Of a table that is its own leaf: the transactions that made or last changed its rows in pg_attribute, each once. [] of a partition. */
  readonly columnsChangedBy: readonly number[];
  /** oid of its TOAST table, 0 where it has none. Only an ALTER TABLE that writes every row anew makes another one. */
  readonly toast: number;
  /** Of a partition: the transactions that attached it to its parent, and that one to its own, up to the table. '' where the table is its own leaf. */
  readonly attachedBy: string;
  /** Of a partition: equal strings mean equal columns (attnum, name, type). '' where the table is its own leaf: there the table says it. */
  readonly definition: string;
  /** By relpages, TOAST included, as of the last VACUUM or ANALYZE: measuring would take a lock. Good for progress bars only. */
  readonly bytes: number;
}

/** Why the publication sends a table's changes. Each of these is made anew, under another oid, when it was gone in between. */
export type Publishing = {
  /** oid and xmin of its row in pg_publication. */
  readonly publication: string;
  /** oid and xmin of the row in pg_publication_rel that names the table; null where none does. */
  readonly byName: string | null;
  /**
   * oid of the row in pg_publication_namespace that names its schema, and xmin of the table's row type, which moves with it from schema to
   * schema; null where none does, and before Postgres 15.
   */
  readonly bySchema: string | null;
};

/** An enum or a composite type that values of a table are made of, in whatever depth. */
export type UsedType = {
  readonly oid: number;
  /** With its schema. */
  readonly name: string;
  /** Of an enum: oid and xmin of each label's row, which stay as they are when a label is added. */
  readonly labels: readonly string[];
  /** Of a composite type: equal strings mean equal attributes (attnum, type), whatever they are called. */
  readonly attributes: string;
};

/** A table that can be read. */
export interface ReadTable {
  readonly table: Table<'raw'>;
  /** Stored generated columns, in attnum order: since 18 the stream may have them, and nobody reads them. */
  readonly generated: readonly Column[];
  readonly leaves: readonly Leaf[];
  /** Null where the publication is not there. */
  readonly publishing: Publishing | null;
  readonly types: readonly UsedType[];
  /** The oids of all leaves of a partitioned table, also of those that were not read; '' of any other table. */
  readonly partitions: string;
  /** Names of indexes that the twin cannot carry over: partial ones, on expressions or generated columns, with an operator class that is not the default. */
  readonly omittedIndexes: readonly string[];
  readonly problem: null;
}

/** What the catalog says of one configured table: its definition, or why it cannot be read. */
export type TableReading =
  | ReadTable
  | { readonly table: null; readonly leaves: readonly []; readonly problem: Problem };

/** Why a table cannot be read, and what to do about it. */
export interface Problem {
  /** 0 where the table is not there. */
  readonly oid: number;
  /** `table_missing`, `table_unfit`, `no_key`, `unknown_key`, `identity_unfit`. */
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
}

/** One look at the catalog in one statement's snapshot. */
export interface Reading {
  readonly snapshot: Snapshot;
  /** pg_current_wal_flush_lsn() in the same query: what was read is no younger than this. */
  readonly lsn: Lsn;
  /** By table name, as the configuration asked. */
  readonly tables: ReadonlyMap<string, TableReading>;
}
