// Messages of pgoutput as Postgres writes them, for tests without a server.
import { ByteWriter } from '../../../src/core/bytes.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Table } from '../../../src/core/table.ts';

/** A text, NULL, or an unchanged TOAST value. */
export type Cell = string | null | undefined;

function message(kind: string, write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter(1024);
  out.text(kind);
  write(out);
  return Buffer.from(out.view());
}

function uint64(out: ByteWriter, value: bigint): void {
  out.uint32(Number(value >> 32n));
  out.uint32(Number(value & 0xffffffffn));
}

function name(out: ByteWriter, text: string): void {
  out.text(text);
  out.byte(0);
}

function tuple(out: ByteWriter, cells: readonly Cell[]): void {
  out.uint16(cells.length);
  for (const cell of cells) {
    if (cell === null) out.text('n');
    else if (cell === undefined) out.text('u');
    else {
      out.text('t');
      out.uint32(Buffer.byteLength(cell));
      out.text(cell);
    }
  }
}

export const begin = (clsn: Lsn, xid = 700, commitTime = 1_000_000n) =>
  message('B', (out) => {
    uint64(out, clsn);
    uint64(out, commitTime);
    out.uint32(xid);
  });

export const commit = (clsn: Lsn, elsn: Lsn) =>
  message('C', (out) => {
    out.byte(0);
    uint64(out, clsn);
    uint64(out, elsn);
    uint64(out, 1_000_000n);
  });

export interface RelationParts {
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  readonly identity: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: number;
    readonly modifier: number;
    readonly key: boolean;
  }[];
}

export const relation = (parts: RelationParts) =>
  message('R', (out) => {
    out.uint32(parts.oid);
    name(out, parts.schema);
    name(out, parts.relation);
    out.text(parts.identity);
    out.uint16(parts.columns.length);
    for (const column of parts.columns) {
      out.byte(column.key ? 1 : 0);
      name(out, column.name);
      out.uint32(column.type);
      out.uint32(column.modifier >>> 0);
    }
  });

/** What Postgres says of a table before its first row. */
export const relationOf = (table: Table<'raw'>): RelationParts => ({
  oid: table.oid,
  schema: table.schema,
  relation: table.relation,
  identity: { default: 'd', index: 'i', full: 'f' }[table.identity],
  columns: table.columns.map(({ name, type }, i) => ({
    name,
    type: type.oid,
    modifier: type.modifier,
    key: table.identity === 'full' || table.key.includes(i),
  })),
});

export const insert = (oid: number, cells: readonly Cell[]) =>
  message('I', (out) => {
    out.uint32(oid);
    out.text('N');
    tuple(out, cells);
  });

export const update = (
  oid: number,
  old: { K: readonly Cell[] } | { O: readonly Cell[] } | null,
  cells: readonly Cell[],
) =>
  message('U', (out) => {
    out.uint32(oid);
    for (const [mark, before] of Object.entries(old ?? {})) {
      out.text(mark);
      tuple(out, before);
    }
    out.text('N');
    tuple(out, cells);
  });

export const remove = (oid: number, mark: 'K' | 'O', cells: readonly Cell[]) =>
  message('D', (out) => {
    out.uint32(oid);
    out.text(mark);
    tuple(out, cells);
  });

export const truncate = (oids: readonly number[], flags = 0) =>
  message('T', (out) => {
    out.uint32(oids.length);
    out.byte(flags);
    for (const oid of oids) out.uint32(oid);
  });

/** A table of text columns, attnums from 1, the first one its key. */
export function table(oid: number, relation: string, columns: readonly string[] = ['id', 'note']): Table<'raw'> {
  const type = { oid: 25, name: 'text', modifier: -1, kind: 'b', category: 'S', builtIn: true, padded: false } as const;
  return {
    oid,
    schema: 'public',
    relation,
    name: `public.${relation}`,
    columns: columns.map((name, i) => ({ attnum: i + 1, name, type, deterministic: true })),
    key: [0],
    identity: 'default',
    indexes: [],
  };
}
