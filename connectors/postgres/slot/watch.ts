import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Observe, SlotSeen } from '../../../src/core/observer.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { isPassing, trouble } from '../../../src/postgres/trouble.ts';
import { ask, endSession, openReader } from '../session.ts';
import { findHolder, tryLock } from './lock.ts';
import { observeSlot } from './slot.ts';
import { SyncState } from './sync-state.ts';
import type { UnusedSlots } from './unused-slots.ts';

const POLL_MS = 1000;

export interface WatchOptions {
  readonly url: Secret;
  readonly pipeline: string;
  readonly slot: string;
  /** What is to be dropped as soon as the lock is held. */
  readonly unused: Pick<UnusedSlots, 'drop'>;
  readonly observe: Observe;
}

/** How often the connection is tried, and how long an answer may take before the server counts as gone. */
const HEARTBEAT_MS = 10_000;
const GONE_AFTER_MS = 30_000;

/**
 * The server ends the session, and lets go of the lock, where no beat came for so long: a process that hangs or is stopped is alive to TCP. It is
 * never idle for nearly as long otherwise: beats are far shorter apart, and whatever else is asked through it leaves it idle less.
 */
const LET_GO_AFTER = '60s';

/**
 * The plain connection that is always open. It holds the lock by which a second instance of the pipeline waits, it asks the
 * catalog and tells of the slot, and it is the first to hear that the server shuts down: a walsender is not told, and the
 * server waits for it.
 */
export class Watch {
  readonly #client: pg.Client;
  readonly #lost = new AbortController();
  readonly #closed = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #options: WatchOptions;
  readonly #followed = new Map<string, (seen: SlotSeen | null) => void>();
  readonly #syncState: SyncState;
  #last: Promise<unknown> = Promise.resolve();
  #hasLock = false;
  #isBeating = false;
  /** How many wait to ask again; that they do is said once. */
  #lockedOut = 0;

  private constructor(client: pg.Client, options: WatchOptions) {
    this.#client = client;
    this.#options = options;
    this.#syncState = new SyncState(options.slot, options.observe);
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection ended')));
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Connects, and waits until no other instance holds the lock of the pipeline. Aborting `signal` ends the wait with its reason. */
  static async open(options: WatchOptions, signal: AbortSignal): Promise<Watch> {
    const { url, pipeline, unused, observe } = options;
    const watch = new Watch(await openReader(url, `pgveil ${pipeline}`, signal), options);
    const giveUp = () => watch.#closed.abort(); // what is asked while the catalog is locked is asked again until then
    signal.addEventListener('abort', giveUp);
    try {
      signal.throwIfAborted();
      await watch.use((client) => ask(client, `SET idle_session_timeout = '${LET_GO_AFTER}'`));
      let waiting = false;
      while (!(await watch.use((client) => tryLock(client, pipeline)))) {
        if (!waiting) observe({ type: 'waiting', for: 'instance', what: await watch.#whoRuns(pipeline) });
        waiting = true;
        await sleep(POLL_MS, undefined, { signal });
      }
      watch.#hasLock = true;
      void unused.drop((work) => watch.use(work), watch.#ended);
      await watch.#look();
      return watch;
    } catch (error) {
      await watch.close();
      throw signal.aborted ? signal.reason : trouble('source', error);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Aborts when the connection is lost, with a PgveilError as its reason: `source_closing` where the server said so. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Asks something through the connection; the same again, when others have had their turn, where somebody kept the catalog locked (VACUUM FULL of
   * pg_attribute) for longer than we wait for a lock. That says nothing of the connection, and must not cost the copies that are under way.
   */
  async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      return await this.#inTurn(work);
    } catch (error) {
      if (!isPassing(error) || this.#ended.aborted) throw error;
      if (this.#lockedOut === 0) this.#tellLockedOut(error);
    }
    this.#lockedOut++;
    try {
      await sleep(POLL_MS, undefined, { signal: this.#ended, ref: false }).catch(() => {});
      return await this.use(work);
    } finally {
      this.#lockedOut--;
    }
  }

  /** One at a time: pg, which would queue them too, warns that it will not for much longer. */
  #inTurn<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => work(this.#client));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Looks at another slot as well, until what is returned is called. `tell` is told what is seen: null where it is not there any more. */
  follow(name: string, tell: (seen: SlotSeen | null) => void): () => void {
    this.#followed.set(name, tell);
    return () => this.#followed.delete(name);
  }

  get #ended(): AbortSignal {
    return AbortSignal.any([this.#lost.signal, this.#closed.signal]);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#syncState.end();
    this.#client.removeAllListeners('end');
    clearInterval(this.#heartbeat);
    await endSession(this.#client);
  }

  #lose(error: unknown): void {
    clearInterval(this.#heartbeat);
    this.#lost.abort(trouble('source', error));
  }

  #tellLockedOut(error: unknown): void {
    const { message } = trouble('source', error);
    this.#options.observe({ type: 'step', message: `${message}; what was asked is asked again until it is let in` });
  }

  /** A connection that is half-open says nothing by itself, and whatever is asked through it would wait for ever. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    await this.#look().catch((error) => this.#lose(error));
    this.#isBeating = false;
  }

  /** Whoever waits for the lock looks as well, if only to hear an answer: the slot is the other instance's to tell of. */
  async #look(): Promise<void> {
    const answered = <T>(work: (client: pg.Client) => Promise<T>) => this.use((client) => this.#inTime(work(client)));
    const slot = await answered((client) => observeSlot(client, this.#options.slot));
    if (slot && this.#hasLock) this.#options.observe(slot);
    if (this.#hasLock) await answered((client) => this.#syncState.look(client));
    for (const [name, tell] of this.#followed) tell(await answered((client) => observeSlot(client, name)));
  }

  /**
   * From when it is its turn: those before it may each have waited for a lock. A deadline besides the one of every connection (decision 21), since
   * that one waits as long as the server knows the connection: behind a proxy that passes nothing any more, for ever.
   */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const gone = setTimeout(() => {
      this.#lose(new PgveilError('source_away', 'source: nothing was heard for 30 s'));
      void endSession(this.#client);
    }, GONE_AFTER_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(gone);
    }
  }

  async #whoRuns(pipeline: string): Promise<string> {
    const holder = await this.use((client) => findHolder(client, pipeline));
    return `another instance of this pipeline to end${holder === null ? '' : ` (${holder})`}`;
  }
}
