import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { type Lsn, parseLsn } from '../../../src/core/lsn.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { askWhereabouts } from '../../../src/postgres/guard.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { trouble } from '../../../src/postgres/trouble.ts';
import { ask, endSession } from '../session.ts';
import { type Frame, Frames } from './frames.ts';
import type { Identity } from './history.ts';
import { Liveness, statusInterval } from './liveness.ts';
import { malformed } from './pgoutput.ts';
import { SERVER, serverError, serverWarning } from './server-message.ts';
import { KEEPALIVE, readKeepalive, statusUpdate, XLOG_DATA, XLOG_DATA_HEADER } from './status.ts';

/** Who takes what the receiver reads. */
export interface Listener {
  /** A message of the output plugin at `bytes[start, end)`. Nothing more is read before the promise resolves, where there is one. */
  message(bytes: Buffer, start: number, end: number): Promise<void> | null;
  /** Everything up to `walEnd` was sent. */
  keepalive(walEnd: Lsn): void;
  /** About once a second. Returns whether the server is to say at once how far it is. */
  tick(): boolean;
  /** The end; nothing follows. */
  failed(error: unknown): void;
}

/** So many requests for a reply between two ticks are those of a server that waits for us in order to shut down. */
const REQUESTS_OF_A_CLOSING_SERVER = 100;

/** One turn of the event loop may bring 32 full reads of the socket: 2 MB of rows before any timer's turn. So long at most, in ms. */
const LONGEST_STRETCH_MS = 20;

/** The connection that the WAL comes in on: what Postgres calls a WAL receiver. It acknowledges what it is told to and nothing else. */
export class Receiver {
  readonly #client: pg.Client;
  readonly #socket: Duplex;
  readonly #frames = new Frames();
  readonly #started = Promise.withResolvers<void>();
  readonly #heeded = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<void>();
  #listener: Listener | null = null;
  #isStarted = false;
  #isClosed = false;
  #acked: Lsn = 0n;
  /** False while the listener has no room: silence says nothing of the server then. */
  #isReading = true;
  #requests = 0;
  #liveness: Liveness | null = null;
  #timer: NodeJS.Timeout | undefined;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#socket = client.connection.stream;
  }

  /** Rejects with what `connect` rejects with. */
  static async open(url: Secret, name: string): Promise<Receiver> {
    return new Receiver(await connect({ url, side: 'source', purpose: 'replication', name }));
  }

  /** Over a connection that made a temporary slot: nobody else can read from it. */
  static over(walsender: pg.Client): Receiver {
    return new Receiver(walsender);
  }

  /** Before `start`. The history file is fetched where the server is on a later timeline than the one that is known. */
  async identify(knownTimeline: number | null): Promise<Identity> {
    const [system] = await ask(this.#client, 'IDENTIFY_SYSTEM');
    const [database] = await ask(this.#client, 'SELECT oid FROM pg_database WHERE datname = current_database()');
    const timeline = Number(system!.timeline);
    const isLater = knownTimeline !== null && timeline > knownTimeline;
    const [file] = isLater ? await ask(this.#client, `TIMELINE_HISTORY ${timeline}`) : [];
    return {
      systemIdentifier: system!.systemid!,
      timeline,
      flushed: parseLsn(system!.xlogpos!),
      databaseOid: Number(database!.oid),
      timelineHistory: file?.content ?? null,
    };
  }

  /**
   * Resolves when the slot is ours: nobody else can move it then. Rejects with `slot_in_use`, `slot_lost`, or as the server says.
   * What it sends, from the slot's confirmed_flush on, waits until somebody listens.
   */
  async start(slot: string, publication: string): Promise<void> {
    const [timeout] = await ask(this.#client, "SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout'");
    const intervalMs = statusInterval(Number(timeout!.setting));
    // The socket is ours from here on: every query was answered, so pg's parser holds nothing back.
    this.#socket.pause();
    this.#socket.removeAllListeners('data');
    // The publication's name is an identifier inside of a literal, and this grammar knows no E''.
    const names = quoteName(publication).replaceAll("'", "''");
    const options = `proto_version '1', publication_names '${names}'`;
    this.#client.connection.query(`START_REPLICATION SLOT ${quoteName(slot)} LOGICAL 0/0 (${options})`);
    this.#liveness = new Liveness(intervalMs, performance.now(), () => askWhereabouts(this.#client));
    this.#timer = setInterval(() => this.#tick(), intervalMs);
    this.#read().catch((error) => this.#fail(error));
    await this.#started.promise;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
    this.#heeded.resolve();
    this.ask();
  }

  /** Everything before `lsn` is durable: told to the server at once, and again at every status update. */
  ack(lsn: Lsn): void {
    this.#acked = lsn;
    this.#send(false);
  }

  /** Asks the server how far it is: a keepalive follows. */
  ask(): void {
    this.#send(true);
  }

  /** Lets go of the slot, after a last word on where we stand. */
  async close(): Promise<void> {
    this.#send(false);
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#closing.resolve();
    await endSession(this.#client);
  }

  /** At once and without a word: the server is closing and waits for nobody but us. */
  destroy(error: PgveilError): void {
    this.#fail(error);
  }

  /** Not reading is the back-pressure: the socket's buffers fill up, then the server stops. */
  async #read(): Promise<void> {
    let turnedAt = performance.now();
    for await (const chunk of this.#chunks()) {
      if (performance.now() - turnedAt > LONGEST_STRETCH_MS) {
        await turn();
        turnedAt = performance.now();
      }
      if (this.#isClosed) continue; // nobody listens any more, but the server's own goodbye comes behind the rest
      this.#liveness?.heard(performance.now());
      for (const frame of this.#frames.cut(chunk)) {
        const wait = this.#frame(frame);
        if (!wait) continue;
        this.#isReading = false;
        await Promise.race([wait, this.#closing.promise]);
        this.#isReading = true;
        this.#liveness?.heard(performance.now());
        if (this.#isClosed) break;
      }
    }
    throw new PgveilError('source_away', 'source: the connection ended');
  }

  /** The socket's own failures as errors of ours; a mistake in what is done with the chunks stays what it is. */
  async *#chunks(): AsyncGenerator<Buffer, void> {
    try {
      yield* this.#socket;
    } catch (error) {
      throw trouble('source', error);
    }
  }

  #frame({ type, bytes, start, end }: Frame): Promise<void> | null {
    switch (type) {
      case SERVER.copyData:
        return this.#copyData(bytes, start, end);
      case SERVER.copyBothResponse:
        this.#isStarted = true;
        this.#started.resolve();
        return this.#heeded.promise;
      case SERVER.errorResponse:
        throw serverError(bytes, start, end);
      case SERVER.noticeResponse: {
        const warning = serverWarning(bytes, start, end);
        if (warning) throw warning;
        return null;
      }
      case SERVER.copyDone:
        throw new PgveilError('source_closing', 'source: the server ended the stream');
      default:
        return null;
    }
  }

  #copyData(bytes: Buffer, start: number, end: number): Promise<void> | null {
    if (bytes[start] === XLOG_DATA) return this.#listener!.message(bytes, start + XLOG_DATA_HEADER, end);
    if (bytes[start] !== KEEPALIVE) throw malformed('a message of an unknown kind');
    const { walEnd, replyRequested } = readKeepalive(bytes, start, end);
    if (replyRequested) {
      this.#requests++;
      this.#send(false);
    }
    this.#listener!.keepalive(walEnd);
    return null;
  }

  /** A timer of its own: the server hears from us also while nobody takes what it sends. */
  #tick(): void {
    const requests = this.#requests;
    this.#requests = 0;
    const state = this.#liveness!.tick(performance.now(), this.#isReading);
    if (state === 'gone') {
      this.#fail(
        new PgveilError('source_away', 'source: nothing is heard, and the server knows nothing of the stream any more'),
      );
    } else if (requests > REQUESTS_OF_A_CLOSING_SERVER) {
      this.#fail(new PgveilError('source_closing', 'source: the server wants to shut down'));
    } else {
      const wanted = this.#listener?.tick() ?? false;
      this.#send(wanted || state === 'ask');
    }
  }

  #send(replyRequested: boolean): void {
    if (this.#isStarted && this.#socket.writable) this.#socket.write(statusUpdate(this.#acked, replyRequested));
  }

  #fail(error: unknown): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
    this.#started.promise.catch(() => {}); // nobody may be waiting for it any more
    this.#started.reject(error);
    if (!this.#isClosed) this.#listener?.failed(error);
    this.#isClosed = true;
  }
}
