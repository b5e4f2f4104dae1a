import type { Processes } from './cpu.ts';
import { finds, seen } from './seen.ts';
import type { Servers } from './servers.ts';

/** What follows the source's table `customers` into a database of the twin server: ours, or the reference. */
export interface Follower {
  readonly database: 'ours' | 'reference';
  /** The column of its `customers` that is indexed and holds the id. */
  readonly key: string;
  /** Its replication slot on the source. */
  readonly slot: string;
  /** Makes slot and target while the source's table is empty. It does not follow yet. */
  prepare(): Promise<void>;
  /** Lets it follow. Called once. */
  start(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
  /** Whose CPU time its work costs, the source's aside. Only while it follows. */
  processes(): Promise<Processes>;
  /** Throws when it has ended by itself. */
  assertRunning(): void;
}

/** Resolves with the time when the source begins to send to it: the same question for every follower. */
export async function sending(servers: Servers, follower: Follower): Promise<number> {
  await using source = await servers.connect('source');
  const isActive = 'SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active';
  return await followed(follower, 'its slot to be active', () => finds(source, isActive, [follower.slot]));
}

/** Resolves with the time when a row of this id, and with this balance if one is given, is visible in its table. */
export async function visible(servers: Servers, follower: Follower, id: number, balance?: number): Promise<number> {
  await using target = await servers.connect(follower.database);
  const isThere = `SELECT FROM customers WHERE ${follower.key} = $1 AND balance = coalesce($2, balance)`;
  return await followed(follower, `row ${id} to arrive`, () => finds(target, isThere, [id, balance]));
}

/** Resolves with the time when a look first gave true; rejects when the follower is gone. */
async function followed(follower: Follower, what: string, look: () => Promise<boolean>): Promise<number> {
  return await seen(`${follower.database}: ${what}`, async () => {
    follower.assertRunning();
    return await look();
  });
}
