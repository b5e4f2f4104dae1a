import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { SourceConfig } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { KeptWal, Slots } from '../../../src/core/slots.ts';
import { CONFIGURATION_LIMIT_EXCEEDED, UNDEFINED_OBJECT } from '../../../src/postgres/sql-state.ts';
import { sqlState, trouble } from '../../../src/postgres/trouble.ts';
import { endSession, openReader } from '../session.ts';
import { dropSlot, type Slot } from './slot.ts';
import { findSlot } from './slot-fit.ts';

/** A walsender ends a moment after the connection that it served. */
const LET_GO_MS = 5_000;
const LOOK_MS = 100;

/** Of max_slot_wal_keep_size. */
const SHARE_OF_SERVERS = 0.9;

/** The slot of a pipeline, and its copies for sinks that read by themselves. Each question has a session of its own: they are rare. */
export class OwnSlots implements Slots {
  readonly #source: Pick<SourceConfig, 'url' | 'slot' | 'walLimit'>;

  constructor(source: Pick<SourceConfig, 'url' | 'slot' | 'walLimit'>) {
    this.#source = source;
  }

  nameOf(sink: string): string {
    return ownSlotName(this.#source.slot, sink);
  }

  async stands(): Promise<Lsn | null> {
    const slot = await this.#ask((client) => findSlot(client, this.#source.slot));
    return slot === null || slot.walStatus === 'lost' ? null : slot.confirmedFlush;
  }

  async kept(sink: string | null): Promise<KeptWal | null> {
    const name = sink === null ? this.#source.slot : this.nameOf(sink);
    const slot = await this.#ask((client) => findSlot(client, name));
    const limit = slot && (this.#source.walLimit ?? ownLimit(slot));
    if (limit === null || slot?.confirmedFlush == null) return null;
    return { name, stands: slot.confirmedFlush, excess: slot.retainedBytes - limit };
  }

  async copy(sink: string): Promise<void> {
    const [main, own] = [this.#source.slot, this.nameOf(sink)];
    await this.#ask(async (client) => {
      const there = await findSlot(client, own);
      if (there && there.walStatus !== 'lost') return;
      if (there) await dropSlot(client, own);
      await copySlot(client, main, own);
    });
    reach('own slot made');
  }

  async drop(sink: string): Promise<void> {
    await this.#ask((client) => dropWhenLeft(client, this.nameOf(sink)));
  }

  async #ask<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await openReader(this.#source.url, 'pgveil slots');
    try {
      return await work(client);
    } finally {
      await endSession(client);
    }
  }
}

/** Of names of slots, which have 63 bytes of a to z, digits and _. */
const SLOT_LENGTH = 30;
const SINK_LENGTH = 20;
const HASH_LENGTH = 8;

/** `pgveil_shop_lake_1a2b3c4d`. The hash makes sure that it is nobody else's, and tells whose it is: see `isOwnSlot`. */
export function ownSlotName(slot: string, sink: string): string {
  const label = labelOf(sink);
  return `${ownSlotPrefix(slot)}${label}_${hashOf(`${slot} ${label}`)}`;
}

/** Those that sinks of a pipeline may have, by sink. One that is the only one reads from the pipeline's. */
export function ownSlotNames(slot: string, sinks: Iterable<string>): ReadonlyMap<string, string> {
  const names = new Map(Array.from(sinks, (sink) => [sink, ownSlotName(slot, sink)] as const));
  return names.size > 1 ? names : new Map();
}

/** What the names of all of a pipeline's begin with, and perhaps others: of a pipeline `shop` and of `shop_eu`. */
export function ownSlotPrefix(slot: string): string {
  return `${slot.slice(0, SLOT_LENGTH)}_`;
}

/** Whether the slot `name` is that of some sink of the pipeline with that slot, whatever the sink is called. */
export function isOwnSlot(slot: string, name: string): boolean {
  const prefix = ownSlotPrefix(slot);
  if (!name.startsWith(prefix)) return false;
  const label = name.slice(prefix.length, -HASH_LENGTH - 1);
  return name === `${prefix}${label}_${hashOf(`${slot} ${label}`)}`;
}

/** The sink's name where that is short and plain; otherwise its beginning and a hash, since the label has to tell them apart. */
function labelOf(sink: string): string {
  const plain = sink.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
  if (plain === sink && sink.length <= SINK_LENGTH) return sink;
  return `${plain.slice(0, SINK_LENGTH - HASH_LENGTH - 1)}_${hashOf(sink)}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}

/** Most of what the server would keep for it: at the limit itself it is too late. Null where it has none. */
function ownLimit({ walStatus, retainedBytes, safeBytes }: Slot): number | null {
  if (walStatus === 'lost') return 0;
  return safeBytes === null ? null : (retainedBytes + safeBytes) * SHARE_OF_SERVERS;
}

async function copySlot(client: pg.Client, main: string, own: string): Promise<void> {
  // What the server says of such a one is what it says of others, too, that may be copied later.
  if ((await findSlot(client, main))?.walStatus === 'lost') {
    throw new PgveilError('slot_lost', `source: the server gave up the slot ${main}`);
  }
  try {
    await client.query('SELECT pg_copy_logical_replication_slot($1, $2)', [main, own]);
  } catch (error) {
    if (sqlState(error) === CONFIGURATION_LIMIT_EXCEEDED) {
      throw new PgveilError('no_free_slot', `source: no replication slot is free for ${own}`);
    }
    if (sqlState(error) === UNDEFINED_OBJECT)
      throw new PgveilError('slot_lost', `source: the slot ${main} is not there`);
    throw trouble('source', error);
  }
}

/** Drops it as soon as nobody reads from it. Rejects with `slot_in_use` where that takes too long. */
async function dropWhenLeft(client: pg.Client, name: string): Promise<void> {
  const deadline = performance.now() + LET_GO_MS;
  for (;;) {
    try {
      return await dropSlot(client, name);
    } catch (error) {
      const isLate = performance.now() >= deadline;
      if (isLate || !(error instanceof PgveilError) || error.code !== 'slot_in_use') throw error;
      await sleep(LOOK_MS);
    }
  }
}
