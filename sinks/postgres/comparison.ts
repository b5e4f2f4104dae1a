import type { Client } from 'pg';
import { ByteWriter } from '../../src/core/bytes.ts';
import type { Checkpoint } from '../../src/core/checkpoint.ts';
import { type Comparer, type Comparison, type Holding, REST_MS } from '../../src/core/comparison.ts';
import { DigestWriter } from '../../src/core/digest.ts';
import { ofSink } from '../../src/core/errors.ts';
import { bytesOf, KeyText, keyIdentity } from '../../src/core/key-text.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { CELL_TEXT, CellReader, type Tuple } from '../../src/core/tuple.ts';
import { copyOut } from '../../src/postgres/copy.ts';
import { RowDecoder } from '../../src/postgres/copy-rows.ts';
import { quoteTable } from '../../src/postgres/quote.ts';
import { readCheckpoint } from './checkpoint.ts';
import { query } from './query.ts';
import { connectTwin, type TwinOptions } from './session.ts';
import { type TwinTable, twinTable } from './twin-table.ts';

const SPACE = 0x20;
/** Which version of a row it is: both are others after every UPDATE. */
const VERSION = ['xmin', 'ctid'];

/** One connection for all tables: a snapshot of one ends before that of the next begins. */
export class TwinComparer implements Comparer {
  readonly #options: TwinOptions;
  #idle: Client | null = null;

  constructor(options: TwinOptions) {
    this.#options = options;
  }

  async checkpoint(): Promise<Checkpoint | null> {
    try {
      const client = await this.take();
      const checkpoint = await readCheckpoint(client, this.#options.pipeline);
      this.give(client);
      return checkpoint;
    } catch (error) {
      throw ofSink(this.#options.name, error);
    }
  }

  of(table: RedactedTable): Comparison {
    return new TwinComparison(this.#options, table, this);
  }

  async take(): Promise<Client> {
    const idle = this.#idle;
    this.#idle = null;
    return idle ?? (await connectTwin(this.#options));
  }

  /** Without a transaction. */
  give(client: Client): void {
    this.#idle = client;
  }

  async close(): Promise<void> {
    this.#idle?.end().catch(() => {});
  }
}

/** Digests of rows on their way to the twin, and of rows as the twin holds them. */
class TwinComparison implements Comparison {
  readonly restMs = REST_MS;
  readonly #options: TwinOptions;
  readonly #table: TwinTable;
  readonly #rows: RowDigests;
  readonly #key: KeyText;
  readonly #connections: TwinComparer;

  constructor(options: TwinOptions, table: RedactedTable, connections: TwinComparer) {
    this.#options = options;
    this.#connections = connections;
    this.#table = twinTable(table, options);
    this.#rows = new RowDigests(this.#table);
    this.#key = new KeyText(table, this.#table.keyByValue);
  }

  async expect(rows: readonly Tuple<'redacted'>[]): Promise<Buffer> {
    for (const row of rows) {
      this.#key.read(row);
      this.#rows.add(row, this.#key.identity);
    }
    return this.#rows.take();
  }

  async look(): Promise<Holding> {
    try {
      return await TwinHolding.open(this.#options.pipeline, this.#connections, this.#table);
    } catch (error) {
      throw ofSink(this.#options.name, error);
    }
  }
}

/** A snapshot of the twin. */
class TwinHolding implements Holding {
  readonly checkpoint: Checkpoint | null;
  readonly #client: Client;
  readonly #connections: TwinComparer;
  readonly #table: TwinTable;
  /** In the midst of a COPY: nothing else can be said on this connection. */
  #isReading = false;

  private constructor(client: Client, connections: TwinComparer, table: TwinTable, checkpoint: Checkpoint | null) {
    this.#client = client;
    this.#connections = connections;
    this.#table = table;
    this.checkpoint = checkpoint;
  }

  static async open(pipeline: string, connections: TwinComparer, table: TwinTable): Promise<TwinHolding> {
    const client = await connections.take();
    try {
      await query(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      return new TwinHolding(client, connections, table, await readCheckpoint(client, pipeline));
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
  }

  /** Of the public table, which is what people read. */
  async *rows(): AsyncGenerator<Buffer> {
    const { source, columns, key } = this.#table;
    const names = [...columns.map(({ name }) => name), key.name, ...VERSION];
    const decoder = new RowDecoder<'redacted'>(names.length);
    const digests = new RowDigests(this.#table);
    const sql = `COPY (SELECT ${names.join(', ')} FROM ${quoteTable(source)}) TO STDOUT`;
    this.#isReading = true;
    for await (const piece of copyOut(this.#client, sql, 'twin')) {
      decoder.push(piece);
      for (const row of decoder.take().tuples) digests.addHeld(row);
      yield digests.take();
    }
    this.#isReading = false;
  }

  async close(): Promise<void> {
    const hangUp = () => void this.#client.end().catch(() => {});
    if (this.#isReading) return hangUp();
    await query(this.#client, 'ROLLBACK').then(() => this.#connections.give(this.#client), hangUp);
  }
}

/** Digests of rows of one table. */
class RowDigests {
  readonly #columns: number;
  readonly #keyByValue: boolean;
  /** By column, whether it is of a type that fills up with spaces, which mean nothing: a rule gives a text without them. */
  readonly #isPadded: readonly boolean[];
  /** By column, whether the twin holds it in a type that a person chose: what its text is there nobody else can say. */
  readonly #isForeign: readonly boolean[];
  readonly #cells = new CellReader();
  readonly #row = new ByteWriter();
  readonly #digests = new DigestWriter();

  constructor({ source, columns, keyByValue }: TwinTable) {
    this.#columns = source.columns.length;
    this.#keyByValue = keyByValue;
    this.#isPadded = columns.map(({ type }) => /^(character\(\d+\)|bpchar)$/.test(type));
    this.#isForeign = columns.map(({ type }, at) => type !== source.columns[at]!.type.name && !isText(type));
  }

  add(row: Tuple<'redacted'>, identity: string): void {
    this.#cells.open(row);
    this.#readColumns();
    this.#addKey(identity);
    this.#digests.add(bytesOf(identity), this.#row.view());
  }

  /** A row as the twin has it: with its key and its version behind the columns. */
  addHeld(row: Tuple<'redacted'>): void {
    const cells = this.#cells;
    cells.open(row);
    this.#readColumns();
    cells.next();
    const identity = keyIdentity(cells.bytes, cells.start, cells.end, this.#keyByValue);
    this.#addKey(identity);
    const rest = row.bytes.subarray(cells.end, row.end);
    this.#digests.add(bytesOf(identity), this.#row.view(), rest);
  }

  take(): Buffer {
    return this.#digests.take();
  }

  #readColumns(): void {
    const cells = this.#cells;
    this.#row.clear();
    for (let column = 0; column < this.#columns; column++) {
      cells.next();
      if (this.#isForeign[column]) continue;
      const isPadded = this.#isPadded[column]! && cells.kind === CELL_TEXT;
      const end = isPadded ? withoutSpaces(cells.bytes, cells.start, cells.end) : cells.end;
      this.#row.byte(cells.kind);
      this.#row.uint32(end - cells.start);
      this.#row.copy(cells.bytes, cells.start, end);
    }
  }

  #addKey(identity: string): void {
    this.#row.append(bytesOf(identity));
  }
}

function isText(type: string): boolean {
  return /^(text|character varying(\(\d+\))?|varchar(\(\d+\))?)$/.test(type);
}

function withoutSpaces(bytes: Buffer, start: number, end: number): number {
  while (end > start && bytes[end - 1] === SPACE) end--;
  return end;
}
