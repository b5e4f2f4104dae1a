import type { Client } from 'pg';
import type { TwinConfig } from '../../config/config.ts';
import { ofSink } from '../../src/core/errors.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { TableName } from '../../src/core/table-name.ts';
import { connect } from '../../src/postgres/connection.ts';
import type { TellBlockers } from '../../src/postgres/guard.ts';
import type { Blockages } from './blockages.ts';
import type { Claim } from './checkpoint.ts';
import type { TwinLayout } from './twin-table.ts';

/** A twin as the configuration describes it, of one pipeline. */
export interface TwinOptions extends Omit<TwinConfig, 'type'>, TwinLayout {
  /** The configured ones, for `check`; by the name that status and logs use. */
  readonly tables: ReadonlyMap<string, TableName>;
}

/** What lasts from `open` to `close`: the claim and the connections under it. */
export class Session {
  readonly options: TwinOptions;
  readonly observe: Observe;
  readonly claim: Claim;
  /** Aborts at `close`. */
  readonly closing: AbortSignal;
  readonly #blockages: Blockages;
  readonly #clients = new Set<Client>();
  readonly #close = new AbortController();

  constructor(options: TwinOptions, observe: Observe, claim: Claim, main: Client, blockages: Blockages) {
    this.options = options;
    this.observe = observe;
    this.claim = claim;
    this.closing = this.#close.signal;
    this.#clients.add(main);
    this.#blockages = blockages;
  }

  /** A connection of its own, for a chunk or for DDL. */
  async connect(): Promise<Client> {
    const client = await connectTwin(this.options, this.#blockages.ofSession());
    this.#clients.add(client);
    if (this.closing.aborted) this.end(client);
    return client;
  }

  /** Rolls back what the connection has open. Nobody waits for the server's answer: it may be the one that hangs. */
  end(client: Client): void {
    this.#clients.delete(client);
    client.end().catch(() => {});
  }

  close(): void {
    this.#close.abort();
    for (const client of this.#clients) this.end(client);
  }
}

/** Does something on a connection of its own: for what is asked of a twin that is not open. What it rejects with names the sink. */
export async function withTwin<T>(options: TwinOptions, work: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await onConnection(await connectTwin(options), work);
  } catch (error) {
    throw ofSink(options.name, error);
  }
}

async function onConnection<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await work(client);
  } finally {
    client.end().catch(() => {});
  }
}

export async function connectTwin({ url, pipeline }: TwinOptions, blocked?: TellBlockers): Promise<Client> {
  return await connect({ url, side: 'twin', purpose: 'write', name: `pgveil ${pipeline}`, blocked });
}
