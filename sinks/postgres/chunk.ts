import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Change } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { reach } from '../../src/core/fault.ts';
import type { Tuple } from '../../src/core/tuple.ts';
import { type CopyIn, Pipeline } from '../../src/postgres/pipeline.ts';
import { type Claim, holdEpoch } from './checkpoint.ts';
import { RowEncoder } from './encode.ts';
import { isLarge, sendRow } from './large-row.ts';
import { copySql } from './lines.ts';
import { query } from './query.ts';
import { refusal } from './refusal.ts';
import type { TwinTable } from './twin-table.ts';

/** So much is gathered before it is sent. */
const PIECE_BYTES = 256 * 1024;

/** Memory that a large row needed is not kept. */
const LARGEST_BYTES = 8 * PIECE_BYTES;

/** One chunk of a copy: a connection, a transaction and one COPY that stays open from batch to batch. */
export class Chunk {
  readonly client: Client;
  readonly table: TwinTable;
  readonly number: number;
  readonly #pipeline: Pipeline;
  readonly #copy: CopyIn;
  readonly #encoder: RowEncoder;
  /** What is being encoded. Memory goes back and forth between two pieces: a copy of a large table would leave heaps of it behind. */
  #piece = new ByteWriter(PIECE_BYTES * 2);
  #sent = new ByteWriter(PIECE_BYTES * 2);
  /** The piece on its way: one at a time, and the next is encoded meanwhile. */
  #sending: Promise<void> = Promise.resolve();

  private constructor(client: Client, table: TwinTable, number: number) {
    this.client = client;
    this.table = table;
    this.number = number;
    this.#pipeline = new Pipeline(client);
    this.#copy = this.#pipeline.copy(copySql(table), (error) => refusal(error, table.source.name));
    this.#encoder = new RowEncoder(table.source, table.keyByValue);
  }

  static async begin(client: Client, table: TwinTable, number: number): Promise<Chunk> {
    await query(client, 'BEGIN');
    return new Chunk(client, table, number);
  }

  async write(reads: readonly Change<'redacted'>[]): Promise<void> {
    for (const { after } of reads) {
      if (isLarge(after!)) await this.#sendLarge(after!);
      else this.#encoder.append(this.#piece, after!);
      if (this.#piece.length < PIECE_BYTES) continue;
      await this.#send();
      await nextTurn(); // A socket that takes all it is given would hold the event loop for the whole batch.
    }
  }

  async commit(claim: Claim): Promise<void> {
    await this.#send();
    await this.#sending;
    this.#copy.end();
    await this.#pipeline.sync();
    await holdEpoch(this.client, claim);
    await query(this.client, 'COMMIT');
    reach('chunk committed');
  }

  async #sendLarge(row: Tuple<'redacted'>): Promise<void> {
    await this.#sending;
    await sendRow(this.#copy, this.table, row);
  }

  async #send(): Promise<void> {
    await this.#sending;
    this.#sending = this.#copy.write(this.#piece.view());
    this.#sending.catch(() => {}); // Told when the next piece is sent, or at the commit.
    [this.#piece, this.#sent] = [this.#sent, this.#piece];
    if (this.#piece.bytes.length > LARGEST_BYTES) this.#piece = new ByteWriter(PIECE_BYTES * 2);
    this.#piece.clear();
  }
}
