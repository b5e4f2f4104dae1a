import { ConnectionPool } from '@platformatic/kafka';
import type { KafkaConnection } from '../../../config/config.ts';
import { connectionOptions, REQUEST_MS } from './connection-options.ts';

/** Of the time that a session may last. */
const SHARE = 0.8;

/** Connections to all brokers. Where these end sessions after a time, others take their place before that, and the old ones get their answers. */
export class Connections {
  readonly #connection: KafkaConnection;
  readonly #open = new Set<ConnectionPool>();
  #pool: ConnectionPool;
  /** Of `performance.now()`: when the first of them is too old. */
  #due = Number.POSITIVE_INFINITY;

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
    this.#pool = this.#make();
  }

  /** For one request: later there may be others. */
  get pool(): ConnectionPool {
    if (performance.now() < this.#due) return this.#pool;
    const old = this.#pool;
    setTimeout(() => void this.#close(old), REQUEST_MS).unref();
    this.#due = Number.POSITIVE_INFINITY;
    this.#pool = this.#make();
    return this.#pool;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((pool) => this.#close(pool)));
  }

  #make(): ConnectionPool {
    const began = (ms: number) => {
      if (ms > 0 && pool === this.#pool) this.#due = Math.min(this.#due, performance.now() + ms * SHARE);
    };
    const pool = new ConnectionPool('pgveil', connectionOptions(this.#connection, began));
    // Every request that fails by it is told as well; an error event that nobody hears would end the process.
    pool.on('connecting', ({ connection }) => connection.on('error', () => {}));
    this.#open.add(pool);
    return pool;
  }

  async #close(pool: ConnectionPool): Promise<void> {
    this.#open.delete(pool);
    await pool.close();
  }
}
