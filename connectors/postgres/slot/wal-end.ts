import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Lsn, parseLsn } from '../../../src/core/lsn.ts';
import { ask } from '../session.ts';

/** Where the server writes its WAL, and up to where that is on disk. */
export interface WalEnd {
  readonly inserted: Lsn;
  readonly flushed: Lsn;
  /** wal_writer_delay in ms. */
  readonly delay: number;
}

const LOOK_MS = 10;
/**
 * A commit that does not wait for its WAL is on disk within 3 × wal_writer_delay, or later where disk and cores are busy. What is still
 * not on disk after this belongs to no commit: the WAL writer leaves the last page of a transaction in progress in memory, and the insert
 * position may stand behind the header of a page that has no record yet.
 */
const PATIENCE_MS = 1000;

/** An end of the WAL that the stream reaches, behind every commit there was at the question, asynchronous ones too. */
export async function endOfWal(read: () => Promise<WalEnd>): Promise<Lsn> {
  const asked = await read();
  const deadline = performance.now() + Math.max(3 * asked.delay, PATIENCE_MS);
  let { flushed } = asked;
  while (flushed < asked.inserted && performance.now() < deadline) {
    await sleep(LOOK_MS);
    ({ flushed } = await read());
  }
  return flushed;
}

export async function readWalEnd(client: pg.Client): Promise<WalEnd> {
  const [row] = await ask(
    client,
    `SELECT pg_current_wal_insert_lsn() AS inserted, pg_current_wal_flush_lsn() AS flushed, setting AS delay
     FROM pg_settings WHERE name = 'wal_writer_delay'`,
  );
  const { inserted, flushed, delay } = row!;
  return { inserted: parseLsn(inserted!), flushed: parseLsn(flushed!), delay: Number(delay) };
}
