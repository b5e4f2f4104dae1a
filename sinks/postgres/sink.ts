import type { Client } from 'pg';
import { nameOf, type RedactedBatch, type TableEvent } from '../../src/core/batch.ts';
import { type Checkpoint, type Position, type TableEntry, unfinished } from '../../src/core/checkpoint.ts';
import { FailStop } from '../../src/core/fail-stop.ts';
import { orGiveUp } from '../../src/core/give-up.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { Pace, Sink } from '../../src/core/sink.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { Applying } from './apply/applying.ts';
import { Blockages } from './blockages.ts';
import { type Claim, readCheckpoint } from './checkpoint.ts';
import { Completions } from './copy/completion.ts';
import { Copies } from './copy/copying.ts';
import { dropLeftovers, publicGenerations } from './copy/generation.ts';
import { query } from './query.ts';
import { connectTwin, Session, type TwinOptions } from './session.ts';
import { install, takeOver } from './takeover.ts';
import { type TwinTable, twinTable } from './twin-table.ts';

/**
 * Applies find rows by their key, whatever the statistics of a table say that was filled a moment ago. JIT goes by the costs that this
 * makes up, and would compile every statement.
 */
const APPLY_SETTINGS = `SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off`;

type Event = TableEvent<'redacted'>;

/** What lasts from `open` to `close`. */
interface Opened {
  /** What was durable then. */
  readonly checkpoint: Checkpoint;
  readonly session: Session;
  readonly copies: Copies;
  readonly completions: Completions;
  readonly applying: Applying;
  /** The generations that were public when it was opened, by table. Other sinks may have counted further meanwhile. */
  readonly public: ReadonlyMap<string, string>;
  /** Numbers of the copies since then, by table. */
  readonly copied: Map<string, number>;
}

/** The twin: a Postgres that holds the redacted rows, and the checkpoint in the same transactions. */
export class PostgresSink implements Sink {
  /** A commit costs little, and people wait for what they see: while more comes the transactions become larger. */
  readonly pace: Pace = { atRest: true, bytes: 16 * 1024 * 1024, ms: 100 };
  readonly #options: TwinOptions;
  readonly #observe: Observe;
  readonly #blockages: Blockages;
  readonly #tables = new WeakMap<RedactedTable, TwinTable>();
  /** After a failure what was written is incomplete: no later flush may make it durable. */
  readonly #session = new FailStop<Opened>('twin_away', close);
  /** What is written has to wait until a flush that was begun before is on its way. */
  #cut: Promise<void> = Promise.resolve();

  constructor(options: TwinOptions, observe: Observe) {
    this.#options = options;
    this.#observe = observe;
    this.#blockages = new Blockages(options.name, observe);
  }

  async open(signal: AbortSignal): Promise<Checkpoint> {
    const { checkpoint } = await this.#session.open(() => this.#open(signal));
    return checkpoint;
  }

  async write(batch: RedactedBatch): Promise<void> {
    const refused = await this.#session.orClose(async (opened) => {
      await this.#cut;
      return await orGiveUp(
        batch,
        () => this.#write(opened, batch),
        (table) => giveUp(opened, table),
      );
    });
    if (refused) throw refused;
  }

  async flush(position: Position): Promise<void> {
    await this.#session.orClose(async ({ copies, completions, applying }) => {
      // What is written while this is under way is not part of it.
      const [finished, given] = [completions.finished(), copies.givenUp()];
      for (const [table, entry] of completions.late()) applying.setEntry(table, entry);
      copies.rest();
      const committing = applying.commit(position);
      this.#cut = committing.then(nothing, nothing);
      const { durable } = await committing;
      await durable;
      completions.swap(finished);
      copies.drop(given);
    });
  }

  async settled(table: string): Promise<boolean> {
    const opened = this.#session.opened();
    try {
      return await opened.completions.settled(table);
    } catch (error) {
      if (opened.completions.isBuilding(table)) await giveUp(opened, table);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #write(opened: Opened, batch: RedactedBatch): Promise<void> {
    const { copies, completions, applying } = opened;
    for (const event of batch.events) await this.#handle(opened, event, batch.entries);
    for (const [table, entry] of batch.entries) {
      const events = batch.events.filter((event) => nameOf(event) === table);
      const isSaved = events.some(isOfCopy) && events.at(-1)!.type !== 'stopped';
      if (!completions.defers(table, entry)) applying.setEntry(table, isSaved ? null : entry);
    }
    if (batch.chunk) {
      await copies.read(this.#tableOf(batch.chunk.table, opened), batch.chunk.number, batch.changes, batch.bytes);
    } else {
      await applying.write(batch.changes);
    }
  }

  async #open(signal: AbortSignal): Promise<Opened> {
    const client = await connectTwin(this.#options, this.#blockages.ofSession());
    try {
      const { claim, checkpoint } = await this.#claim(client, signal);
      const [shown, copied] = [await publicGenerations(client, claim), new Map<string, number>()];
      await query(client, APPLY_SETTINGS);
      const session = new Session(this.#options, this.#observe, claim, client, this.#blockages);
      const generations = { public: shown, copied };
      const tableOf = (table: RedactedTable) => this.#tableOf(table, generations);
      const applying = new Applying(client, claim, checkpoint.position, tableOf, this.#observe);
      const [copies, completions] = [new Copies(session), new Completions(session)];
      return { checkpoint, session, copies, completions, applying, ...generations };
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
  }

  /** What is durable and ours to continue, after everything is in place and nobody else can write. */
  async #claim(client: Client, signal: AbortSignal): Promise<{ claim: Claim; checkpoint: Checkpoint }> {
    const { pipeline } = this.#options;
    await readCheckpoint(client, pipeline); // Refuses one that a newer pgveil wrote, or that is damaged, before anything is changed.
    await install(client);
    const claim = await takeOver(client, this.#options, this.#observe, signal);
    await dropLeftovers(client, claim);
    return { claim, checkpoint: (await readCheckpoint(client, pipeline))! };
  }

  async #handle(opened: Opened, event: Event, entries: ReadonlyMap<string, TableEntry>): Promise<void> {
    const { copies, completions, applying, copied } = opened;
    switch (event.type) {
      case 'defined':
        // What was gathered under another definition comes before what follows.
        return await applying.settle();
      case 'copy started':
        await completions.stop(event.table.name);
        copied.set(event.table.name, event.table.generation);
        return await copies.start(this.#tableOf(event.table, opened), unfinished(entries.get(event.table.name)!));
      case 'chunk finished':
        return await copies.finishChunk(event.table.name, event.chunk);
      case 'chunk abandoned':
        return copies.abandonChunk(event.table.name, event.chunk);
      case 'copy read':
        return build(opened, this.#tableOf(event.table, opened));
      case 'copy finished':
        return completions.finish(event.table.name, entries.get(event.table.name)!);
      case 'stopped':
        await completions.stop(event.name);
        return copies.stop(event.name);
    }
  }

  #tableOf(source: RedactedTable, { copied, public: shown }: Pick<Opened, 'copied' | 'public'>): TwinTable {
    let table = this.#tables.get(source);
    if (!table) {
      const isNew = copied.get(source.name) === source.generation;
      table = twinTable(source, this.#options, isNew ? null : (shown.get(source.name) ?? null));
      this.#tables.set(source, table);
    }
    return table;
  }
}

/** Whoever waits for a copy to take its place hears why it does not. */
function close({ session, completions }: Opened, reason: unknown): void {
  completions.close(reason);
  session.close();
}

async function giveUp({ copies, completions }: Opened, table: string): Promise<void> {
  await completions.stop(table);
  await copies.giveUp(table);
}

function build({ copies, completions }: Opened, table: TwinTable): void {
  const bytes = copies.bytesOf(table);
  if (bytes !== null) completions.build(table, bytes);
}

/** Their entries are saved with what they do, and not with the next position. */
function isOfCopy(event: Event): boolean {
  return event.type === 'copy started' || event.type === 'copy finished';
}

function nothing(): void {}
