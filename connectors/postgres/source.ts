import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceConfig, TableConfig } from '../../config/config.ts';
import type { RawBatch } from '../../src/core/batch.ts';
import type { Checkpoint, Position } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { reach } from '../../src/core/fault.ts';
import { type Lsn, parseLsn } from '../../src/core/lsn.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { Source, Wanted } from '../../src/core/source.ts';
import { Batches } from './batches.ts';
import { readCatalog } from './catalog.ts';
import { firstCopy } from './first-copy.ts';
import { checkServer, WitnessSearch } from './history.ts';
import { afterCopy, type Outset, resume, type Streams } from './outset.ts';
import { Relations } from './question.ts';
import type { Asked, Reading } from './reading.ts';
import { Receiver } from './receiver.ts';
import { ask } from './session.ts';
import { inspectSlot } from './slot.ts';
import { Stream } from './stream.ts';
import { Transactions } from './transactions.ts';
import { Watch } from './watch.ts';

export interface PostgresOptions {
  /** The pipeline's name: two of the same name on one database wait for each other. */
  readonly pipeline: string;
  readonly source: SourceConfig;
  readonly tables: ReadonlyMap<string, TableConfig>;
  /** Bytes for all that is queued anywhere. */
  readonly memory: number;
  readonly wanted: Wanted;
  readonly observe: Observe;
}

/** A batch of more is cut; a share of `memory`, as one is read while one is written and others wait in the lanes. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_SHARE = 1 / 16;

/** Reads one Postgres database: a copy of everything, then the WAL from there. */
export class PostgresSource implements Source {
  readonly #options: PostgresOptions;
  readonly #asked: ReadonlyMap<string, Asked>;
  #watch: Watch | null = null;
  #receiver: Receiver | null = null;
  #stream: Stream | null = null;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#asked = new Map(
      [...options.tables].map(([name, table]) => [
        name,
        { schema: table.schema, relation: table.name, key: table.key },
      ]),
    );
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    const { source, pipeline, observe } = this.#options;
    const watch = await Watch.open(source.url, pipeline, observe, signal);
    this.#watch = watch;
    // A server that shuts down waits for its walsenders, and one that we do not read from cannot tell us.
    watch.lost.addEventListener('abort', () => this.#receiver?.destroy(watch.lost.reason));
  }

  async *read(from: Checkpoint, signal: AbortSignal): AsyncGenerator<RawBatch> {
    const watch = this.#opened();
    const stopped = AbortSignal.any([signal, watch.lost]);
    try {
      const stream = from.position
        ? await this.#resume(from, from.position)
        : yield* this.#copyAndFollow(from, stopped);
      if (!stream) return;
      for (let batch = await stream.next(stopped); batch; batch = await stream.next(stopped)) {
        yield batch;
        if (batch.position === null && batch.changes.length > 0) reach('inside a transaction');
      }
      if (!signal.aborted) throw watch.lost.reason;
    } catch (error) {
      if (signal.aborted) return;
      throw this.#explain(watch.lost.aborted ? watch.lost.reason : error);
    }
  }

  ack(lsn: Lsn): void {
    this.#receiver?.ack(lsn);
  }

  async end(): Promise<Lsn> {
    const { client } = this.#opened();
    const [delay] = await ask(client, "SELECT setting FROM pg_settings WHERE name = 'wal_writer_delay'");
    // A commit that did not wait for its WAL to be flushed is on disk by then.
    await sleep(3 * Number(delay!.setting));
    const [row] = await ask(client, 'SELECT pg_current_wal_flush_lsn() AS lsn');
    const lsn = parseLsn(row!.lsn!);
    this.#want(lsn);
    return lsn;
  }

  async close(): Promise<void> {
    const [receiver, watch] = [this.#receiver, this.#watch];
    this.#receiver = null;
    this.#watch = null;
    this.#stream = null;
    await receiver?.close();
    await watch?.close();
  }

  #wanted: Lsn | null = null;

  /** Idle servers are asked for the position that somebody waits for, also when the stream begins only later. */
  #want(lsn: Lsn): void {
    this.#wanted = lsn;
    this.#stream?.want(lsn);
    this.#receiver?.ask();
  }

  /** Streams from `position`, or refuses because the server has not got what follows it. */
  async #resume({ tables }: Checkpoint, position: Position): Promise<Stream> {
    const receiver = await this.#openReceiver();
    const identity = await receiver.identify(position.history.timeline);
    checkServer(position, identity);
    const reading = await readCatalog(this.#opened().client, this.#asked);
    const history = { ...position.history, timeline: identity.timeline, slot: this.#options.source.slot };
    const outset = resume(tables, reading, position.pos);
    return await this.#follow(receiver, { ...position, history }, outset, outset.events);
  }

  /** Copies everything, hands over the position where the copy ends, and streams from there. Null where `stopped` aborted. */
  async *#copyAndFollow(from: Checkpoint, stopped: AbortSignal): AsyncGenerator<RawBatch, Stream | null> {
    const { client } = this.#opened();
    const copied = yield* firstCopy(this.#options, this.#asked, from, client, stopped);
    if (!copied) return null;
    const { consistentPoint: pos, tables } = copied;
    const receiver = await this.#openReceiver();
    const { systemIdentifier, databaseOid, timeline } = await receiver.identify(Number.POSITIVE_INFINITY);
    const history = { systemIdentifier, databaseOid, timeline, slot: this.#options.source.slot };
    const position = { pos, witness: null, history };
    const { events, ...outset } = afterCopy(tables, await readCatalog(client, this.#asked), pos);
    const stream = await this.#follow(receiver, position, outset, []);
    yield { events, changes: [], chunk: null, position, progress: { clsn: pos, seq: 0 }, bytes: 0 };
    return stream;
  }

  async #follow(receiver: Receiver, position: Position, outset: Streams, events: Outset['events']): Promise<Stream> {
    const confirmedFlush = await this.#startAt(receiver);
    const stream = this.#streamFrom(position, confirmedFlush, outset, events);
    receiver.listen(stream);
    return stream;
  }

  async #openReceiver(): Promise<Receiver> {
    const { source, pipeline } = this.#options;
    const receiver = await Receiver.open(source.url, `pgveil ${pipeline} stream`);
    const { lost } = this.#opened();
    if (lost.aborted) receiver.destroy(lost.reason);
    this.#receiver = receiver;
    return receiver;
  }

  /** Returns where the slot stands, asked when nobody else can move it any more. */
  async #startAt(receiver: Receiver): Promise<Lsn> {
    const { client } = this.#opened();
    const { slot: name, publication } = this.#options.source;
    const before = await inspectSlot(client, name);
    if (!before) throw new PgveilError('slot_lost', `source: the slot ${name} is not there`);
    if (before.walStatus === 'lost') throw new PgveilError('slot_lost', `source: the slot ${name} was invalidated`);
    await receiver.start(name, publication);
    const slot = await inspectSlot(client, name);
    return slot!.confirmedFlush!;
  }

  #streamFrom(position: Position, confirmedFlush: Lsn, outset: Streams, events: Outset['events']): Stream {
    const limit = Math.min(BATCH_BYTES, this.#options.memory * BATCH_SHARE);
    const batches = new Batches(limit);
    const witness = new WitnessSearch(position, confirmedFlush);
    const relations = new Relations(outset, (name) => this.#look(name));
    const transactions = new Transactions(position, batches, relations, witness);
    this.#stream = new Stream(transactions, batches, witness, events, limit);
    if (this.#wanted !== null) this.#stream.want(this.#wanted);
    return this.#stream;
  }

  #look(name: string): Promise<Reading> {
    return readCatalog(this.#opened().client, new Map([[name, this.#asked.get(name)!]]));
  }

  #explain(error: unknown): unknown {
    const isGap = error instanceof PgveilError && error.code === 'slot_lost';
    if (!isGap || this.#options.source.onGap === 'recopy') return error;
    return new PgveilError('gap_held', error.message);
  }

  #opened(): Watch {
    if (!this.#watch) throw new TypeError('a source is opened before anything else');
    return this.#watch;
  }
}
