import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { reach } from '../../../src/core/fault.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { copyOut } from '../../../src/postgres/copy.ts';
import { RowDecoder } from '../../../src/postgres/copy-rows.ts';
import { quoteTable, quoteText } from '../../../src/postgres/quote.ts';
import { stopIfAnother, stopIfChanged } from '../catalog/guard.ts';
import { ask, endSession, openReader } from '../session.ts';
import type { Turn } from '../turn.ts';
import { type Chunk, copySql, cut, halve, type LeafSize, shareOf } from './chunk.ts';
import { judge } from './chunk-failure.ts';

import type { TableCopy } from './table-copy.ts';
import type { Waiters } from './waiters.ts';
import type { Task, Worklist } from './worklist.ts';

/** A batch is sent when its rows reach this. */
const BATCH_BYTES = 1024 * 1024;
/** Larger rows are read by one worker at a time: everybody's half of a large row would be memory that no queue counts. */
const LARGE_ROW = 8 * BATCH_BYTES;
/** Milliseconds before a chunk that could not be read is due again. */
const PAUSE = 100;

export interface ChunkReaderOptions {
  readonly url: Secret;
  /** What the keeper holds. */
  readonly snapshot: string;
  /** A session outside of the snapshot, shared by all readers. */
  readonly observer: pg.Client;
  readonly waiters: Waiters;
  readonly worklist: Worklist;
  readonly largeRow: Turn;
  readonly chunkBytes: number;
}

/** One chunk on its way: cut when its leaf is measured, numbered when its first rows are sent. */
interface Attempt {
  readonly copy: TableCopy;
  /** Aborts when the chunk has to be given up. */
  readonly signal: AbortSignal;
  chunk: Chunk;
  size: LeafSize;
  number: number | null;
}

interface Session {
  readonly client: pg.Client;
  readonly pid: number;
}

/** One worker: reads chunks, each in a transaction of its own that imports the snapshot. */
export class ChunkReader {
  readonly #options: ChunkReaderOptions;
  /** Kept after a chunk that went well. After any other it is ended: whatever it was in the middle of, its locks are gone. */
  #session: Session | null = null;

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
  }

  /** Rejects only with what concerns the whole copy, such as a lost connection. */
  async read({ copy, chunk }: Task): Promise<void> {
    const { signal, end } = copy.enter();
    const attempt: Attempt = { copy, signal, chunk, size: { blocks: 0, bytes: 0 }, number: null };
    try {
      await this.#attempt(attempt);
    } finally {
      end();
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (session) await endSession(session.client);
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const { copy, signal } = attempt;
    const session = await this.#begin();
    const letGo = () => this.#letGo(session);
    const unwatch = this.#options.waiters.watch(session.pid, () => copy.giveUp(signal));
    signal.addEventListener('abort', letGo);
    try {
      if (signal.aborted) letGo();
      await this.#transfer(session, attempt);
      signal.throwIfAborted();
      copy.finished(attempt.number, shareOf(attempt.chunk, attempt.size));
    } catch (error) {
      await this.close();
      copy.abandoned(attempt.number);
      await this.#fail(attempt, error);
    } finally {
      unwatch();
      signal.removeEventListener('abort', letGo);
    }
  }

  async #begin(): Promise<Session> {
    const { url, snapshot } = this.#options;
    this.#session ??= await openSession(url);
    const { client } = this.#session;
    const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY';
    await ask(client, `${begin}; SET TRANSACTION SNAPSHOT ${quoteText(snapshot)}`);
    return this.#session;
  }

  /** Ends the session in the middle of what it does. A server that reads for long without writing would not notice: it is cancelled. */
  #letGo({ client, pid }: Session): void {
    void endSession(client);
    ask(this.#options.observer, 'SELECT pg_cancel_backend($1)', [pid]).catch(() => {});
  }

  /** In this order: the lock holds the definition still, the guard sees that it is the snapshot's, then it is read. */
  async #transfer({ client, pid }: Session, attempt: Attempt): Promise<void> {
    const { copy } = attempt;
    const { observer, worklist } = this.#options;
    const { leaf } = attempt.chunk;
    await ask(client, `LOCK TABLE ONLY ${quoteTable(leaf)} IN ACCESS SHARE MODE`);
    await stopIfChanged(observer, copy.bound, leaf);
    attempt.size = await measure(client, leaf.oid);
    const { first, rest } = cut(attempt.chunk, attempt.size, this.#options.chunkBytes);
    attempt.chunk = first;
    copy.measured(leaf, attempt.size, rest !== null);
    if (rest) worklist.addFirst({ copy, chunk: rest });
    await this.#sendRows({ client, pid }, attempt);
  }

  async #sendRows(session: Session, attempt: Attempt): Promise<void> {
    const decoder = new RowDecoder<'raw'>(attempt.copy.table.columns.length);
    let endTurn: (() => void) | null = null;
    try {
      for await (const piece of this.#pieces(session, attempt)) {
        decoder.push(piece);
        if (decoder.pending > LARGE_ROW) endTurn ??= await this.#options.largeRow.take(attempt.signal);
        if (decoder.size < BATCH_BYTES) continue;
        await send(attempt, decoder);
        endTurn?.();
        endTurn = null;
        await nextTurn(); // What the socket brings in one turn, times the workers, would hold the event loop for long.
      }
      await ask(session.client, 'COMMIT'); // before the rest waits for room in the queue, with the lock held
      if (decoder.size > 0) await send(attempt, decoder);
    } finally {
      endTurn?.();
    }
  }

  /** The COPY's bytes, once it is known that they are the leaf's. */
  async *#pieces({ client, pid }: Session, { copy, chunk }: Attempt): AsyncGenerator<Buffer> {
    const check = () => stopIfAnother(this.#options.observer, copy.bound, chunk.leaf, pid);
    let checked = false;
    for await (const piece of copyOut(client, copySql(copy.table, copy.wanted, chunk), 'source')) {
      if (!checked) await check();
      checked = true;
      yield piece;
    }
    if (!checked) await check();
  }

  async #fail({ copy, chunk, size, signal }: Attempt, error: unknown): Promise<void> {
    const { observer, worklist } = this.#options;
    const { name } = copy.table;
    let verdict = signal.aborted ? 'again' : judge(error, name);
    if (verdict === 'ask the guard') {
      verdict = await stopIfChanged(observer, copy.bound, chunk.leaf).then(
        () => 'again' as const,
        (why) => judge(why, name),
      );
    }
    if (verdict === null) throw error;
    if (typeof verdict === 'object') {
      worklist.drop(copy);
      copy.stop(verdict);
    } else if (!copy.stopped) {
      await sleep(PAUSE);
      const parts = signal.aborted ? halve(chunk, size) : [chunk];
      copy.divided(parts.length);
      for (const part of parts) worklist.addLast({ copy, chunk: part });
    }
  }
}

async function openSession(url: Secret): Promise<Session> {
  const client = await openReader(url, 'pgveil copy');
  const [row] = await ask<{ pid: string }>(client, 'SELECT pg_backend_pid() AS pid');
  return { client, pid: Number(row!.pid) };
}

async function measure(client: pg.Client, oid: number): Promise<LeafSize> {
  const [row] = await ask<Record<'blocks' | 'bytes', string>>(
    client,
    `SELECT pg_relation_size($1::oid) / current_setting('block_size')::bigint AS blocks, pg_table_size($1::oid) AS bytes`,
    [oid],
  );
  return { blocks: Number(row!.blocks), bytes: Number(row!.bytes) };
}

async function send(attempt: Attempt, decoder: RowDecoder<'raw'>): Promise<void> {
  const { copy, signal, chunk, size } = attempt;
  const rows = decoder.take();
  attempt.number ??= copy.nextNumber();
  await copy.rows(attempt.number, rows, shareOf(chunk, size), signal);
  reach('inside a chunk');
}
