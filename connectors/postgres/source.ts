import type pg from 'pg';
import type { Config } from '../../config/config.ts';
import type { RawBatch } from '../../src/core/batch.ts';
import type { Checkpoint, History, Position } from '../../src/core/checkpoint.ts';
import type { PgveilError } from '../../src/core/errors.ts';
import { reach } from '../../src/core/fault.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { Beginning, Rules, Source } from '../../src/core/source.ts';
import type { Table } from '../../src/core/table.ts';
import { Bell } from './bell.ts';
import { readCatalog } from './catalog/catalog.ts';
import { readLeafSizes } from './catalog/leaf-sizes.ts';
import { readMended } from './catalog/mending.ts';
import { readPublication, sendGenerated } from './catalog/publication.ts';
import { type Asked, askedOf, type Reading } from './catalog/reading.ts';
import { withdrawHarmed } from './catalog/withdrawal.ts';
import { copyFirst } from './copy/first-copy.ts';
import { Settling } from './copy/settling.ts';
import type { Copy } from './recopy/line.ts';
import { merge } from './recopy/merge.ts';
import { Recopies } from './recopy/recopies.ts';
import { recopy } from './recopy/recopy.ts';
import { streamName } from './session.ts';
import { batchLimit, copyLimit } from './shares.ts';
import { asGap } from './slot/slot-kept.ts';
import { UnusedSlots } from './slot/unused-slots.ts';
import { endOfWal, readWalEnd } from './slot/wal-end.ts';
import { Watch } from './slot/watch.ts';
import { Batches } from './stream/batches.ts';
import { requireSameServer, WitnessSearches } from './stream/history.ts';
import { afterCopy, type Outset, resume } from './stream/outset.ts';
import { Relations, type Why } from './stream/question.ts';
import { Receiver } from './stream/receiver.ts';
import { startReplication } from './stream/replication.ts';
import { Stream } from './stream/stream.ts';
import { Transactions } from './stream/transactions.ts';
import { Turn } from './turn.ts';

/** So many copies may be under way at once beside the stream: see Recopies. */
const LINES = 2;

/** Reads one Postgres database: a copy of everything, then the WAL from there. */
export class PostgresSource implements Source {
  readonly #config: Config;
  readonly #rules: Rules;
  readonly #asked: ReadonlyMap<string, Asked>;
  readonly #observe: Observe;
  readonly #unused: UnusedSlots;
  #watch: Watch | null = null;
  /** The slot, when the stream began; null before. */
  #stood: Lsn | null = null;
  #receiver: Receiver | null = null;
  #stream: Stream | null = null;
  #settling = new Settling();
  /** There once it is read from. */
  #recopies = Promise.withResolvers<Recopies>();
  /** What `end` said last. */
  #end: Lsn | null = null;
  /** When copies began: a session that failed does not end the wait of the next. */
  readonly #began = new Map<string, readonly number[]>();
  /** What copies that are under way at once take turns in. */
  readonly #turns = { largeRow: new Turn(), publishing: new Turn() };

  constructor(config: Config, rules: Rules, observe: Observe) {
    this.#config = config;
    this.#rules = rules;
    this.#observe = observe;
    this.#asked = askedOf(config);
    this.#unused = new UnusedSlots({ slot: config.source.slot, sinks: [...config.sinks.keys()] }, observe);
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    const { source, name: pipeline } = this.#config;
    const given = { url: source.url, pipeline, slot: source.slot, unused: this.#unused, observe: this.#observe };
    const watch = await Watch.open(given, signal);
    this.#watch = watch;
    // A server that shuts down waits for its walsenders, and one that we do not read from cannot tell us.
    watch.lost.addEventListener('abort', () => this.#receiver?.destroy(watch.lost.reason));
  }

  async *read(from: Beginning, signal: AbortSignal): AsyncGenerator<RawBatch> {
    const { lost } = this.#opened();
    const ended = new AbortController();
    const stopped = AbortSignal.any([signal, lost, ended.signal]);
    const bell = new Bell();
    const recopies = this.#makeRecopies(from, bell);
    this.#recopies.resolve(recopies);
    try {
      const stream = from.position
        ? await this.#resume(from, from.position, bell, stopped)
        : yield* this.#copy(from, recopies, bell, stopped);
      for await (const batch of merge(stream, recopies, this.#observe, stopped)) {
        yield batch;
        if (batch.position === null && batch.changes.length > 0 && !batch.chunk) reach('inside a transaction');
      }
      stopped.throwIfAborted();
    } catch (error) {
      if (signal.aborted) return;
      throw asGap(lost.aborted ? lost.reason : error, this.#config.source.onGap);
    } finally {
      ended.abort();
    }
  }

  async settled(table: string, generation: number, isWhole: boolean): Promise<void> {
    if (!isWhole) (await this.#recopies.promise).giveUp(table, generation);
    this.#settling.tell(table, generation, isWhole);
  }

  async refused(table: string, generation: number, error: PgveilError): Promise<void> {
    (await this.#recopies.promise).refused(table, generation, error);
    this.#settling.tell(table, generation, error);
  }

  async recopy(table: string, approved: string | null): Promise<void> {
    (await this.#recopies.promise).ask(table, approved);
  }

  async look(table: string): Promise<Table<'raw'> | null> {
    return (await this.#readCatalog(this.#only([table]))).tables.get(table)!.table;
  }

  async copied(): Promise<boolean> {
    return await (await this.#recopies.promise).copied();
  }

  /** Each session begins to count anew, and an older server moves a slot back where it is told to. */
  ack(lsn: Lsn): void {
    if (this.#stood !== null && lsn >= this.#stood) this.#receiver?.ack(lsn);
  }

  async end(): Promise<Lsn> {
    const watch = this.#opened();
    this.#end = await endOfWal(() => watch.use(readWalEnd));
    this.#stream?.want(this.#end);
    this.#receiver?.ask();
    return this.#end;
  }

  async close(): Promise<void> {
    const [receiver, watch] = [this.#receiver, this.#watch];
    this.#receiver = null;
    this.#stream = null;
    this.#watch = null;
    this.#stood = null;
    this.#end = null;
    this.#settling = new Settling();
    this.#recopies = Promise.withResolvers();
    await receiver?.close();
    await watch?.close();
  }

  /** Goes on from what is durable, or refuses because the server has not got what follows it. */
  async #resume({ tables, ahead }: Beginning, position: Position, bell: Bell, signal: AbortSignal): Promise<Stream> {
    const { source } = this.#config;
    const receiver = await this.#openReceiver();
    const { timeline } = position.history;
    const identity = await receiver.identify(timeline);
    for (const one of [position, ...ahead]) requireSameServer(one, identity);
    const read = (name: string) => this.#use((client) => readPublication(client, name));
    const mend = () => sendGenerated(source.url, read, source.publication);
    const { reading, mended } = await readMended(tables, () => this.#readCatalog(), mend, this.#observe);
    this.#withdrawHarmed(signal);
    const outset = resume(tables, reading, position.pos, this.#rules, this.#observe, mended);
    const history = { ...position.history, timeline: identity.timeline, slot: source.slot };
    return await this.#streamFrom({ ...position, history }, ahead, outset, receiver, bell);
  }

  /** Copies everything that is not halted, and goes on from the copy. */
  async *#copy(
    { tables: entries }: Checkpoint,
    recopies: Recopies,
    bell: Bell,
    signal: AbortSignal,
  ): AsyncGenerator<RawBatch, Stream> {
    const asked = new Map([...this.#asked].filter(([name]) => entries.get(name)?.state.state !== 'halted'));
    const generationOf = ({ name }: { readonly name: string }) => (entries.get(name)?.generation ?? 0) + 1;
    const history = await this.#identify();
    this.#withdrawHarmed(signal);
    const options = { ...this.#copyOptions(1, signal), asked, generationOf, entries, history };
    const { position, tables } = yield* copyFirst({ ...options, note: (events) => recopies.note(events) });
    const outset = afterCopy(tables, await this.#readCatalog(), position.pos, this.#observe);
    return await this.#streamFrom(position, [], outset, await this.#openReceiver(), bell);
  }

  /** Beside everything else. What was mended before is not taken out for what it lacked. */
  #withdrawHarmed(signal: AbortSignal): void {
    const { source } = this.#config;
    const given = { ...this.#turns, asked: this.#asked, source, use: this.#use, observe: this.#observe };
    void withdrawHarmed(given, signal);
  }

  /** Which history a new slot belongs to. */
  async #identify(): Promise<History> {
    const receiver = await this.#openReceiver();
    const { systemIdentifier, timeline, databaseOid } = await receiver.identify(null);
    await receiver.close();
    return { systemIdentifier, timeline, databaseOid, slot: this.#config.source.slot };
  }

  /** Of one among `copies` that may be under way at once. */
  #copyOptions(copies: number, signal: AbortSignal) {
    const { source, memory } = this.#config;
    const configured = this.#asked;
    return {
      ...this.#turns,
      configured,
      source,
      settling: this.#settling,
      memory: copyLimit(memory, copies),
      wanted: this.#rules.wanted,
      observe: this.#observe,
      signal,
    };
  }

  #makeRecopies({ tables: entries }: Checkpoint, bell: Bell): Recopies {
    const copy: Copy = (names, generationOf, signal) =>
      recopy({
        ...this.#copyOptions(LINES, signal),
        asked: this.#only(names),
        generationOf: ({ name }) => generationOf(name),
        main: this.#stream!,
        use: this.#use,
        follow: (name, tell) => this.#opened().follow(name, tell),
        limit: batchLimit(this.#config.memory),
      });
    const { autoBelow, longestRetryMs: longestMs } = this.#config.source;
    return new Recopies({
      names: this.#asked.keys(),
      entries,
      rules: this.#rules,
      observe: this.#observe,
      autoBelow,
      retry: { longestMs, began: this.#began },
      bell,
      look: async (names) => (await this.#readCatalog(this.#only(names))).tables,
      measure: (leaves) => this.#opened().use((client) => readLeafSizes(client, leaves)),
      copy,
      stop: (names, why, given) => this.#stop(names, why, given),
    });
  }

  async #stop(names: readonly string[], why: Why, signal: AbortSignal): Promise<void> {
    const stream = this.#stream!;
    const hold = await stream.hold(() => 0n, signal);
    stream.giveUp(names, why);
    hold.release();
  }

  async #openReceiver(): Promise<Receiver> {
    const { lost } = this.#opened();
    const receiver = await Receiver.open(this.#config.source.url, streamName(this.#config.name));
    this.#receiver = receiver;
    if (lost.aborted) receiver.destroy(lost.reason);
    return receiver;
  }

  async #streamFrom(
    position: Position,
    ahead: readonly Position[],
    outset: Outset,
    receiver: Receiver,
    bell: Bell,
  ): Promise<Stream> {
    const confirmedFlush = await startReplication(receiver, this.#opened(), this.#config.source);
    this.#stood = confirmedFlush;
    const batches = new Batches(batchLimit(this.#config.memory));
    const witness = new WitnessSearches(position, ahead, confirmedFlush);
    const relations = new Relations(outset, (name) => this.#readCatalog(this.#only([name])), this.#observe);
    const transactions = new Transactions(position, batches, relations, witness);
    transactions.looked(outset.reading);
    const look = () => this.#readCatalog();
    const reached = (pos: Lsn) => this.#observe({ type: 'reached', pos });
    const stream = new Stream({ transactions, batches, witness, events: outset.events, look, bell, reached });
    if (this.#end !== null) stream.want(this.#end);
    this.#stream = stream;
    receiver.listen(stream);
    return stream;
  }

  readonly #use = <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => this.#opened().use(work);

  /** Of all configured tables, or of these. */
  #readCatalog(asked = this.#asked): Promise<Reading> {
    return this.#use((client) => readCatalog(client, asked));
  }

  #only(names: readonly string[]): ReadonlyMap<string, Asked> {
    return new Map(names.map((name) => [name, this.#asked.get(name)!]));
  }

  #opened(): Watch {
    if (!this.#watch) throw new TypeError('a source is opened before anything else');
    return this.#watch;
  }
}
