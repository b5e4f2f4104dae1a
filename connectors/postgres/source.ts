import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import type { RawBatch } from '../../src/core/batch.ts';
import type { Checkpoint, Position } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { reach } from '../../src/core/fault.ts';
import { type Lsn, parseLsn } from '../../src/core/lsn.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { Source, Wanted } from '../../src/core/source.ts';
import { Batches } from './batches.ts';
import { readCatalog } from './catalog.ts';
import { copyFirst } from './first-copy.ts';
import { requireSameServer, WitnessSearch } from './history.ts';
import { afterCopy, type Outset, resume } from './outset.ts';
import { readPublication } from './publication.ts';
import { Relations } from './question.ts';
import { type Asked, askedOf, type Reading } from './reading.ts';
import { Receiver } from './receiver.ts';
import { ask } from './session.ts';
import { findSlot } from './slot-fit.ts';
import { Stream } from './stream.ts';
import { Transactions } from './transactions.ts';
import { Watch } from './watch.ts';

/** A batch of more is cut. It is redacted in one go, and that must not hold the event loop for long: 4,000 short rows take about 10 ms. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_SHARE = 1 / 16;

/** A share of `memory` for what the workers of a copy have read and nobody has taken yet; as much again waits in the lanes. */
const COPY_SHARE = 1 / 32;

/** Reads one Postgres database: a copy of everything, then the WAL from there. */
export class PostgresSource implements Source {
  readonly #config: Config;
  readonly #asked: ReadonlyMap<string, Asked>;
  readonly #wanted: Wanted;
  readonly #observe: Observe;
  #watch: Watch | null = null;
  #receiver: Receiver | null = null;
  #stream: Stream | null = null;
  /** What `end` said last. */
  #end: Lsn | null = null;

  constructor(config: Config, wanted: Wanted, observe: Observe) {
    this.#config = config;
    this.#wanted = wanted;
    this.#observe = observe;
    this.#asked = askedOf(config);
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    const { source, name: pipeline } = this.#config;
    const { url, slot } = source;
    const watch = await Watch.open({ url, pipeline, slot, observe: this.#observe }, signal);
    this.#watch = watch;
    // A server that shuts down waits for its walsenders, and one that we do not read from cannot tell us.
    watch.lost.addEventListener('abort', () => this.#receiver?.destroy(watch.lost.reason));
  }

  async *read(from: Checkpoint, signal: AbortSignal): AsyncGenerator<RawBatch> {
    const { lost } = this.#opened();
    const stopped = AbortSignal.any([signal, lost]);
    try {
      const stream = from.position ? await this.#resume(from, from.position) : yield* this.#copy(from, stopped);
      const first = await stream.next(stopped);
      if (first) this.#observe({ type: 'confirmed' });
      for (let batch = first; batch; batch = await stream.next(stopped)) {
        yield batch;
        if (batch.position === null && batch.changes.length > 0) reach('inside a transaction');
      }
      stopped.throwIfAborted();
    } catch (error) {
      if (signal.aborted) return;
      throw this.#explain(lost.aborted ? lost.reason : error);
    }
  }

  ack(lsn: Lsn): void {
    this.#receiver?.ack(lsn);
  }

  async end(): Promise<Lsn> {
    const watch = this.#opened();
    const settings = "SELECT setting FROM pg_settings WHERE name = 'wal_writer_delay'";
    const [delay] = await watch.use((client) => ask(client, settings));
    // A commit that did not wait for its WAL to be flushed is on disk by then.
    await sleep(3 * Number(delay!.setting));
    const [row] = await watch.use((client) => ask(client, 'SELECT pg_current_wal_flush_lsn() AS lsn'));
    this.#end = parseLsn(row!.lsn!);
    this.#stream?.want(this.#end);
    this.#receiver?.ask();
    return this.#end;
  }

  async close(): Promise<void> {
    const [receiver, watch] = [this.#receiver, this.#watch];
    this.#receiver = null;
    this.#stream = null;
    this.#watch = null;
    this.#end = null;
    await receiver?.close();
    await watch?.close();
  }

  /** Goes on from what is durable, or refuses because the server has not got what follows it. */
  async #resume({ tables }: Checkpoint, position: Position): Promise<Stream> {
    const receiver = await this.#openReceiver();
    const { timeline } = position.history;
    const identity = await receiver.identify(timeline);
    requireSameServer(position, identity);
    const reading = await this.#readCatalog();
    const outset = resume(tables, reading, position.pos, this.#observe);
    const history = { ...position.history, timeline: identity.timeline, slot: this.#config.source.slot };
    return await this.#streamFrom({ ...position, history }, outset, receiver);
  }

  /** Copies everything, and goes on from the copy. */
  async *#copy(from: Checkpoint, signal: AbortSignal): AsyncGenerator<RawBatch, Stream> {
    const { source, memory } = this.#config;
    const { consistentPoint, tables } = yield* copyFirst({
      source,
      memory: memory * COPY_SHARE,
      asked: this.#asked,
      wanted: this.#wanted,
      generationOf: ({ name }) => (from.tables.get(name)?.generation ?? 0) + 1,
      observe: this.#observe,
      signal,
    });
    const receiver = await this.#openReceiver();
    const { systemIdentifier, timeline, databaseOid } = await receiver.identify(null);
    const history = { systemIdentifier, timeline, databaseOid, slot: source.slot };
    const position: Position = { pos: consistentPoint, witness: null, history };
    const progress = { clsn: consistentPoint, seq: 0 };
    yield { events: [], changes: [], chunk: null, position, progress, bytes: 0 };
    const outset = afterCopy(tables, await this.#readCatalog(), consistentPoint, this.#observe);
    return await this.#streamFrom(position, outset, receiver);
  }

  async #openReceiver(): Promise<Receiver> {
    const { lost } = this.#opened();
    const receiver = await Receiver.open(this.#config.source.url, `pgveil ${this.#config.name} stream`);
    this.#receiver = receiver;
    if (lost.aborted) receiver.destroy(lost.reason);
    return receiver;
  }

  async #streamFrom(position: Position, outset: Outset, receiver: Receiver): Promise<Stream> {
    const confirmedFlush = await this.#startReplication(receiver);
    const limit = Math.min(BATCH_BYTES, this.#config.memory * BATCH_SHARE);
    const batches = new Batches(limit);
    const witness = new WitnessSearch(position, confirmedFlush);
    const relations = new Relations(outset, (name) => this.#readCatalog(name), this.#observe);
    const transactions = new Transactions(position, batches, relations, witness);
    transactions.looked(outset.reading);
    const stream = new Stream(transactions, batches, witness, outset.events, limit, () => this.#readCatalog());
    if (this.#end !== null) stream.want(this.#end);
    this.#stream = stream;
    receiver.listen(stream);
    return stream;
  }

  /** Returns where the slot stands, asked when nobody else can move it any more. */
  async #startReplication(receiver: Receiver): Promise<Lsn> {
    const watch = this.#opened();
    const { slot: name, publication } = this.#config.source;
    const lost = (how: string) => new PgveilError('slot_lost', `source: ${how}`);
    const before = await watch.use((client) => findSlot(client, name));
    if (!before) throw lost(`the slot ${name} is not there`);
    if (before.walStatus === 'lost') throw lost(`the server gave up the slot ${name}`);
    const published = await watch.use((client) => readPublication(client, publication));
    if (!published) throw lost(`the publication ${publication} is not there`);
    await receiver.start(name, publication);
    const slot = await watch.use((client) => findSlot(client, name));
    if (!slot?.confirmedFlush) throw lost(`the slot ${name} was never made to its end`);
    return slot.confirmedFlush;
  }

  /** Of all configured tables, or of one. */
  #readCatalog(name?: string): Promise<Reading> {
    const asked = name === undefined ? this.#asked : new Map([[name, this.#asked.get(name)!]]);
    return this.#opened().use((client) => readCatalog(client, asked));
  }

  #explain(error: unknown): unknown {
    const isGap = error instanceof PgveilError && error.code === 'slot_lost';
    return isGap && this.#config.source.onGap === 'halt' ? new PgveilError('gap_held', error.message) : error;
  }

  #opened(): Watch {
    if (!this.#watch) throw new TypeError('a source is opened before anything else');
    return this.#watch;
  }
}
