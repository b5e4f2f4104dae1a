// A source that streams from a slot, and a consumer of it, for tests that need no copy.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Config } from '../../../config/config.ts';
import { readCatalog } from '../../../connectors/postgres/catalog/catalog.ts';
import { fingerprintOf } from '../../../connectors/postgres/catalog/fingerprint.ts';
import type { ReadTable } from '../../../connectors/postgres/catalog/reading.ts';
import { openReader } from '../../../connectors/postgres/session.ts';
import { PostgresSource } from '../../../connectors/postgres/source.ts';
import { Receiver } from '../../../connectors/postgres/stream/receiver.ts';
import type { RawBatch } from '../../../src/core/batch.ts';
import { type Checkpoint, NOTHING_ORDERED, type Position, type TableEntry } from '../../../src/core/checkpoint.ts';
import { type Lsn, parseLsn } from '../../../src/core/lsn.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { Secret } from '../../../src/core/secret.ts';
import { shapeOf } from '../../../src/core/table.ts';
import { CELL_NULL, CELL_TEXT, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import type { PostgresServer } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';

export interface FollowOptions {
  readonly memory?: number;
  readonly onGap?: 'recopy' | 'halt';
  readonly slot?: string;
  readonly publication?: string;
}

const asTables = (names: readonly string[]) =>
  new Map(
    names.map((name) => {
      const [schema = '', relation = ''] = name.split('.');
      return [name, { schema, relation, key: null, columns: new Map() }];
    }),
  );

/** A source for these tables, `schema.table` each; and what it tells. */
export function sourceOf(server: PostgresServer, names: readonly string[], options: FollowOptions = {}) {
  const { memory = 256 * 1024 * 1024, onGap = 'recopy', slot = 'veil', publication = 'veil' } = options;
  const told: Observation[] = [];
  const config = {
    name: 'test',
    source: {
      url: new Secret(server.url()),
      publication,
      slot,
      workers: 2,
      onGap,
      failover: null,
      autoBelow: Infinity,
    },
    tables: asTables(names),
    sinks: new Map(),
    memory,
  } as unknown as Config;
  const source = new PostgresSource(
    config,
    {
      wanted: (table) => table.columns.map(() => true),
      isAsCopied: () => true,
      fits: () => true,
      isOrdered: () => false,
    },
    (observation) => told.push(observation),
  );
  return { source, told };
}

/** Makes the slot, and the checkpoint that a copy finished at its consistent point would have left. The publication is there. */
export async function checkpointAtNewSlot(
  server: PostgresServer,
  names: readonly string[],
  { slot = 'veil', publication = 'veil' }: Pick<FollowOptions, 'slot' | 'publication'> = {},
): Promise<Checkpoint & { readonly position: Position }> {
  const made = `SELECT lsn FROM pg_create_logical_replication_slot('${slot}', 'pgoutput')`;
  const [row] = await server.query<{ lsn: string }>(made);
  const tables = await entriesOf(server, names, publication);
  const receiver = await Receiver.open(new Secret(server.url()), 'test');
  const { systemIdentifier, timeline, databaseOid } = await receiver.identify(null);
  await receiver.close();
  const history = { systemIdentifier, timeline, databaseOid, slot };
  return { position: { pos: parseLsn(row!.lsn), witness: null, history }, tables };
}

async function entriesOf(
  server: PostgresServer,
  names: readonly string[],
  publication: string,
): Promise<Map<string, TableEntry>> {
  const client = await openReader(new Secret(server.url()), 'test');
  const asked = [...asTables(names)].map(([name, table]) => [name, { ...table, publication }] as const);
  const { tables } = await readCatalog(client, new Map(asked));
  await client.end();
  const entries = [...tables].map(([name, read]): [string, TableEntry] => {
    const { table } = read as ReadTable;
    const columns = table.columns.map(({ attnum, name }) => ({ attnum, name }));
    const entry = { oid: table.oid, binding: { number: 1, columns }, shape: shapeOf(table), plan: '', key: '' };
    const fingerprint = fingerprintOf(read as ReadTable);
    const state = { state: 'streaming' } as const;
    return [name, { ...entry, formerly: [], fingerprint, generation: 1, state, order: NOTHING_ORDERED }];
  });
  return new Map(entries);
}

/** Takes batches as they come until it is stopped, or only so many. */
export class Consumer implements AsyncDisposable {
  readonly batches: RawBatch[] = [];
  /** The pull loop waits while this is pending. */
  pause: Promise<void> | null = null;
  error: unknown = null;
  ended = false;
  readonly source: PostgresSource;
  readonly #from: Checkpoint;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #keep: boolean;

  /** `keep: false` counts batches and forgets them. */
  constructor(source: PostgresSource, from: Checkpoint, { keep = true } = {}) {
    this.source = source;
    this.#from = from;
    this.#keep = keep;
    this.#running = this.#run();
  }

  /** The changes so far, `insert public.t 1|x`; an old image stands before a `>`, NULL is `-`, an unchanged TOAST value `~`. */
  get changes(): string[] {
    return this.batches.flatMap((batch) => batch.changes.map(show));
  }

  get position(): Position | null {
    return this.batches.findLast((batch) => batch.position)?.position ?? this.#from.position;
  }

  /** Resolves when the source got to the server's present end. */
  async caughtUp(): Promise<Lsn> {
    await until(() => this.#ok() && this.batches.length > 0, { what: 'the first batch' });
    const end = await this.source.end();
    await this.reached(end);
    return end;
  }

  /** Resolves when no table is to be copied any more. */
  async copied(): Promise<void> {
    const what = 'every table to be copied';
    let isCopied = false;
    void this.source.copied().then(() => (isCopied = true));
    await until(() => this.#ok() && isCopied, { what });
  }

  async reached(lsn: Lsn): Promise<void> {
    const what = () => `position ${lsn}, at ${this.position?.pos}`;
    await until(() => this.#ok() && (this.position?.pos ?? 0n) >= lsn, { what });
  }

  /** Resolves with what ended the stream. */
  async failure(): Promise<{ code?: string; message?: string }> {
    await until(() => this.ended, { what: 'the stream to fail' });
    return this.error as { code?: string };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #ok(): boolean {
    if (this.error) throw this.error;
    return true;
  }

  async #run(): Promise<void> {
    try {
      await this.source.open(this.#stop.signal);
      for await (const batch of this.source.read({ ...this.#from, ahead: [] }, this.#stop.signal)) {
        this.batches.push(this.#keep ? batch : { ...batch, changes: [] });
        for (const event of batch.events) {
          if (event.type === 'copy read') this.source.settled(event.table.name, event.generation, true);
        }
        // A batch may still come behind the abort, of which nobody is told a second time.
        if (this.pause && !this.#stop.signal.aborted)
          await Promise.race([this.pause, once(this.#stop.signal, 'abort')]);
      }
    } catch (error) {
      this.error = error;
    } finally {
      this.ended = true;
    }
  }
}

/** Checkpoint of a sink that made everything of these batches durable. */
export function checkpointAfter(from: Checkpoint, consumer: Consumer): Checkpoint & { readonly position: Position } {
  const tables = new Map(from.tables);
  for (const event of consumer.batches.flatMap((batch) => batch.events)) {
    if (event.type === 'stopped') tables.set(event.name, { ...tables.get(event.name)!, state: event.state });
    if (event.type === 'noted') {
      tables.set(event.table.name, { ...tables.get(event.table.name)!, fingerprint: event.fingerprint });
    }
  }
  return { position: consumer.position ?? from.position!, tables };
}

function show({ op, table, before, after, beforeIs }: RawBatch['changes'][number]): string {
  const old = before && `${beforeIs} ${cells(before)}`;
  const images = [old, after && cells(after)].filter((image) => image !== null).join(' > ');
  return `${op} ${table.name} ${images}`.trimEnd();
}

/** A long value is its length. */
export function cells(tuple: Tuple<'raw'>): string {
  const reader = new CellReader();
  return Array.from({ length: reader.open(tuple) }, () => {
    reader.next();
    const length = reader.end - reader.start;
    if (length > 100) return `${length} bytes`;
    if (reader.kind === CELL_TEXT) return reader.bytes.toString('utf8', reader.start, reader.end);
    return reader.kind === CELL_NULL ? '-' : '~';
  }).join('|');
}

/** Random text that does not compress, so that TOAST keeps it outside of the row. */
export const incompressible = (bytes: number) => randomBytes(bytes / 2).toString('hex');

/** Where the slot stands. */
export async function confirmedFlush(server: PostgresServer, slot = 'veil'): Promise<Lsn> {
  const [row] = await server.query(`SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '${slot}'`);
  return parseLsn(row.confirmed_flush_lsn);
}

/** All of the server's slots, the one too that a walsender of the test before has not let go of yet. */
export async function dropSlots(server: PostgresServer): Promise<void> {
  const drop = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active';
  const slots = 'SELECT FROM pg_replication_slots';
  await until(
    async () => {
      await server.query(drop);
      return (await server.query(slots)).length === 0;
    },
    { what: 'every slot to be let go of' },
  );
}
