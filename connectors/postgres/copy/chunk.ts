import type { Table } from '../../../src/core/table.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import type { Leaf } from '../catalog/reading.ts';

/** A range of a leaf's blocks that one transaction reads. */
export interface Chunk {
  readonly leaf: Leaf;
  /** First block. */
  readonly from: number;
  /** The block behind the last one; null for whatever follows, so that none is ever left out. */
  readonly to: number | null;
}

/** How large a leaf is: measured under a lock, once it is its turn. */
export interface LeafSize {
  readonly blocks: number;
  /** TOAST included. */
  readonly bytes: number;
}

/** A second or so of reading: for no longer does a chunk hold its lock. */
export const CHUNK_BYTES = 64 * 1024 * 1024;

/** Cuts a chunk's worth off the front of an open range; the rest is the next open range, or null where nothing is left. */
export function cut(
  chunk: Chunk,
  size: LeafSize,
  chunkBytes: number,
): { readonly first: Chunk; readonly rest: Chunk | null } {
  const perBlock = Math.max(1, size.bytes / Math.max(1, size.blocks));
  const to = chunk.from + Math.max(1, Math.floor(chunkBytes / perBlock));
  if (chunk.to !== null || to >= size.blocks) return { first: chunk, rest: null };
  return { first: { ...chunk, to }, rest: { ...chunk, from: to } };
}

/** What is read instead of a chunk that was given up: where somebody locks the table again and again, a chunk has to fit in between. */
export function halve(chunk: Chunk, { blocks }: LeafSize): readonly Chunk[] {
  const middle = Math.floor((chunk.from + (chunk.to ?? blocks)) / 2);
  return middle > chunk.from
    ? [
        { ...chunk, to: middle },
        { ...chunk, from: middle },
      ]
    : [chunk];
}

/** Bytes of the leaf that the chunk stands for, by its share of the blocks. */
export function shareOf({ from, to }: Chunk, { blocks, bytes }: LeafSize): number {
  if (blocks === 0) return 0;
  return Math.round((bytes * (Math.min(to ?? blocks, blocks) - Math.min(from, blocks))) / blocks);
}

/**
 * Reads the wanted columns by name, and NULL for the others, so that a row has the table's columns in the table's order: a leaf may
 * have them in another. Generated columns are not among `table.columns`, and an unwanted value does not even leave the server.
 */
export function copySql(table: Table<'raw'>, wanted: readonly boolean[], { leaf, from, to }: Chunk): string {
  const columns = table.columns.map(({ name }, index) => (wanted[index] ? quoteName(name) : 'NULL::text'));
  const range = [from > 0 && `ctid >= '(${from},0)'`, to !== null && `ctid < '(${to},0)'`].filter(Boolean);
  const where = range.length > 0 ? ` WHERE ${range.join(' AND ')}` : '';
  return `COPY (SELECT ${columns.join(', ')} FROM ONLY ${quoteTable(leaf)}${where}) TO STDOUT`;
}
