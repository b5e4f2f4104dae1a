import type { Transaction } from './batch.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { RedactedTable } from './table.ts';
import type { Tuple } from './tuple.ts';

/** Longer than an idle source goes without a new position (connectors/postgres/stream/idle.ts): `restMs` of a sink that gathers nothing. */
export const REST_MS = 12_000;

/** Of a row that is compared: its transaction says nothing about it. */
export const READ: Transaction = { clsn: 0n, xid: null, commitTime: 0n };

/** The tables of one sink, one after another: what is opened for one serves the next. */
export interface Comparer {
  /** What is durable now; null where nothing is. Rejects with a PgveilError. */
  checkpoint(): Promise<Checkpoint | null>;
  /** In the generation that the sink holds; or why it cannot be compared. */
  of(table: RedactedTable): Comparison | string;
  close(): Promise<void>;
}

/** One table of a sink, for whoever compares it with the source while rows go on coming in. */
export interface Comparison {
  /** Digests (digest.ts) of what the sink should hold for these rows, by its own conversion. */
  expect(rows: readonly Tuple<'redacted'>[]): Promise<Buffer>;
  /** A commit is in what it holds within so many ms, unless it is behind. */
  readonly restMs: number;
  /** What it holds now, and goes on showing until `close`, whatever is written meanwhile. Rejects with a PgveilError. */
  look(): Promise<Holding>;
}

export interface Holding {
  /** Of the same moment as the rows. */
  readonly checkpoint: Checkpoint | null;
  /** Digests of all rows. May be read several times, and gives the same each time. */
  rows(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}
