import type { Processes } from './cpu.ts';
import type { Follower } from './follower.ts';
import type { Servers } from './servers.ts';
import { TABLE } from './workload.ts';

/** The reference: a subscription of Postgres itself with its defaults, into a plain table with a primary key. It redacts nothing. */
export class NativeSubscription implements Follower {
  readonly database = 'reference';
  readonly key = 'id';
  readonly slot = 'reference';
  readonly #servers: Servers;

  constructor(servers: Servers) {
    this.#servers = servers;
  }

  async prepare(): Promise<void> {
    await this.#servers.query('source', 'CREATE PUBLICATION reference FOR TABLE customers');
    await this.#servers.query('reference', TABLE);
    await this.#servers.query(
      'reference',
      `CREATE SUBSCRIPTION reference CONNECTION '${this.#servers.url('source')}' PUBLICATION reference
       WITH (enabled = false, copy_data = false)`,
    );
  }

  async start(): Promise<void> {
    await this.#servers.query('reference', 'ALTER SUBSCRIPTION reference ENABLE');
  }

  async stop(): Promise<void> {
    await this.#servers.query('reference', 'DROP SUBSCRIPTION reference');
  }

  /** Its worker is reader and writer in one. */
  async processes(): Promise<Processes> {
    const rows = await this.#servers.query<{ pid: number }>(
      'reference',
      'SELECT pid FROM pg_stat_subscription WHERE pid IS NOT NULL',
    );
    return { worker: rows.map(({ pid }) => pid) };
  }

  /** The server starts its worker again whatever happens to it: only time tells that it does not arrive. */
  assertRunning(): void {}
}
