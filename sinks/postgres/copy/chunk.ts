import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Change } from '../../../src/core/batch.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import { type CopyIn, Pipeline } from '../../../src/postgres/pipeline.ts';
import { trouble } from '../../../src/postgres/trouble.ts';
import { RowEncoder } from '../apply/encode.ts';
import { isLarge, sendRow } from '../apply/large-row.ts';
import { Pieces } from '../apply/pieces.ts';
import { copySql } from '../apply/row-sql.ts';
import { type Claim, holdEpoch } from '../checkpoint.ts';
import { query } from '../query.ts';
import { copyRefusal } from '../refusal.ts';
import type { TwinTable } from '../twin-table.ts';

/** So much is gathered before it is sent. */
const PIECE_BYTES = 256 * 1024;

/** One chunk of a copy: a connection, a transaction and one COPY that stays open from batch to batch. */
export class Chunk {
  readonly client: Client;
  readonly table: TwinTable;
  readonly number: number;
  readonly #pipeline: Pipeline;
  readonly #copy: CopyIn;
  readonly #encoder: RowEncoder;
  readonly #pieces = new Pieces();
  /** What is being encoded. */
  #piece = this.#pieces.take();
  /** The piece on its way: one at a time, and the next is encoded meanwhile. */
  #sending: Promise<void> = Promise.resolve();

  private constructor(client: Client, table: TwinTable, number: number) {
    this.client = client;
    this.table = table;
    this.number = number;
    this.#pipeline = new Pipeline(client, (error) => trouble('twin', error));
    this.#copy = this.#pipeline.copy(copySql(table), (error) => copyRefusal(error, table.source.name));
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
    const piece = this.#piece;
    this.#piece = this.#pieces.take();
    this.#sending = this.#copy.write(piece.view()).then(() => this.#pieces.give(piece));
    this.#sending.catch(() => {}); // Told when the next piece is sent, or at the commit.
  }
}
