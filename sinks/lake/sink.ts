import type { LakeConfig } from '../../config/config.ts';
import { nameOf, type RedactedBatch, type TableEvent } from '../../src/core/batch.ts';
import { type Checkpoint, type Position, type TableEntry, unfinished } from '../../src/core/checkpoint.ts';
import { FailStop } from '../../src/core/fail-stop.ts';
import { reach } from '../../src/core/fault.ts';
import { orGiveUp } from '../../src/core/give-up.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import type { Pace, Sink } from '../../src/core/sink.ts';
import { Claim } from './claim.ts';
import type { Copy } from './copy.ts';
import type { Gathering } from './gathering.ts';
import { Duck } from './parquet/duck.ts';
import { sideBySide } from './side-by-side.ts';
import type { Storage } from './storage/storage.ts';
import { type Cut, Written } from './written.ts';
import { Yard } from './yard.ts';

export interface LakeOptions extends Pick<LakeConfig, 'flush' | 'timestamps'> {
  readonly pipeline: string;
  /** Of this pipeline alone: all of its tables, and its checkpoint. */
  readonly storage: Storage;
  /** A folder of this machine for files on their way; it is emptied at each `open`. */
  readonly temporary: string;
}

/** Of a thousand tables each waits for the storage by itself: while some do, files of others are made. */
const COMMITS_AT_ONCE = 8;

type Event = TableEvent<'redacted'>;

/** What lasts from `open` to `close`. */
interface Opened {
  readonly claim: Claim;
  readonly yard: Yard;
  readonly written: Written;
  /** By table name: copies that are finished and not durable yet. */
  readonly swaps: Map<string, PromiseWithResolvers<boolean>>;
  /** Entries that a flush is making durable. */
  underWay: Map<string, TableEntry>;
}

/** Parquet files under one Delta log per table. Each table has a position of its own; one checkpoint says from where to read. */
export class LakeSink implements Sink {
  readonly pace: Pace;
  readonly #options: LakeOptions;
  /** After a failure what was written is incomplete: no later flush may make it durable. */
  readonly #session = new FailStop<Opened>('lake_away', close);

  constructor(options: LakeOptions) {
    this.#options = options;
    this.pace = { atRest: false, bytes: options.flush.bytes, ms: options.flush.everyMs };
  }

  async open(signal: AbortSignal): Promise<Checkpoint> {
    const { claim } = await this.#session.open(() => open(this.#options, signal));
    return claim.checkpoint;
  }

  async write(batch: RedactedBatch): Promise<void> {
    const refused = await this.#session.orClose((opened) =>
      orGiveUp(
        batch,
        () => this.#write(opened, batch),
        (table) => this.#stop(opened, table),
      ),
    );
    if (refused) throw refused;
  }

  async flush(position: Position): Promise<void> {
    await this.#session.orClose(async (opened) => {
      const cut = opened.written.cut(); // before anything is waited for: what is written meanwhile is not part of it
      opened.underWay = cut.entries;
      if (cut.gatherings.length > 0 || cut.copies.length > 0) await this.#commit(opened, cut, position);
      reach('before the swap');
      await opened.claim.save(({ tables }) => ({ position, tables: new Map([...tables, ...cut.entries]) }));
      reach('after the swap');
      for (const { table } of cut.copies) opened.swaps.get(table.source.name)?.resolve(true);
    });
  }

  async settled(table: string): Promise<boolean> {
    const { swaps, written } = this.#session.opened();
    const swap = swaps.get(table);
    return swap ? await swap.promise : written.copyOf(table) !== undefined;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #write(opened: Opened, batch: RedactedBatch): Promise<void> {
    const { written } = opened;
    for (const event of batch.events) await this.#handle(opened, event, batch.entries);
    for (const [table, entry] of batch.entries) {
      const last = batch.events.findLast((event) => nameOf(event) === table)?.type;
      if (last === 'copy finished' && !written.copyOf(table)) continue; // it was refused: nothing of it is there to be read
      // Of a copy that has only begun it is durable already.
      written.setEntry(table, last === 'copy started' ? null : entry);
    }
    if (batch.chunk) written.read(batch.chunk.table, batch.chunk.number, batch.changes);
    else await written.write(batch.changes);
    await written.relieve();
  }

  /** Tables first, each with its own position: what is committed and sent once more is recognised by it. */
  async #commit({ claim, written }: Opened, { gatherings, copies }: Cut, { pos }: Position): Promise<void> {
    // Whoever took over since would meet our rows as those of a stranger, and open anew.
    await claim.assertOurs();
    const steps = [
      ...gatherings.map((gathering) => ({ table: gathering.table, run: () => append(written, gathering, pos) })),
      ...copies.map((copy) => ({ table: copy.table, run: () => replace(written, copy, pos) })),
    ];
    const tables = Map.groupBy(steps, ({ table }) => table.path).values();
    const oneAfterAnother = async (ofOne: typeof steps) => {
      for (const { run } of ofOne) await run();
    };
    await sideBySide(
      COMMITS_AT_ONCE,
      Array.from(tables, (ofOne) => () => oneAfterAnother(ofOne)),
    );
  }

  async #handle(opened: Opened, event: Event, entries: ReadonlyMap<string, TableEntry>): Promise<void> {
    const { claim, written } = opened;
    switch (event.type) {
      case 'copy started':
        await this.#stop(opened, event.table.name);
        await this.#saveStarted(opened, event.table.name, entries.get(event.table.name)!);
        return await written.startCopy(event.table);
      case 'chunk finished':
        await claim.assertOurs();
        return written.copyOf(event.table.name)?.finishChunk(event.chunk);
      case 'chunk abandoned':
        return await written.copyOf(event.table.name)?.abandonChunk(event.chunk);
      case 'copy finished':
        return this.#finish(opened, written.copyOf(event.table.name));
      case 'stopped':
        return await this.#stop(opened, event.name);
      case 'defined': // a file is of one definition, by itself
      case 'copy read': // all of it is in the storage, or waits in memory for the files of the changes
        return;
    }
  }

  /**
   * A generation's number is durable before anything of it is made, and a start does not take for finished what has only begun. Of a copy
   * that is refused it stays: whoever asks later must see that it is this definition which halted the table.
   */
  async #saveStarted({ claim, written, underWay }: Opened, table: string, entry: TableEntry): Promise<void> {
    const started = unfinished(entry);
    underWay.delete(table);
    written.setEntry(table, null);
    await claim.save(({ position, tables }) => ({ position, tables: new Map([...tables, [table, started]]) }));
  }

  #finish({ written, swaps }: Opened, copy: Copy | undefined): void {
    if (!copy) return;
    const { name } = copy.table.source;
    const swap = Promise.withResolvers<boolean>();
    swap.promise.catch(() => {}); // told by `settled`
    swaps.set(name, swap);
    written.finishCopy(name);
  }

  async #stop({ written, swaps }: Opened, table: string): Promise<void> {
    swaps.get(table)?.resolve(false);
    swaps.delete(table);
    await written.stopCopy(table);
  }
}

async function open({ pipeline, storage, temporary, timestamps }: LakeOptions, signal: AbortSignal): Promise<Opened> {
  const claim = await Claim.takeOver(storage, signal);
  await storage.sweep();
  const yard = new Yard(storage, await Duck.open(temporary), String(claim.epoch));
  const written = new Written(pipeline, yard, timestamps);
  return { claim, yard, written, swaps: new Map(), underWay: new Map() };
}

async function close({ swaps, yard }: Opened, reason: unknown): Promise<void> {
  for (const { reject } of swaps.values()) reject(reason);
  await yard.close();
}

async function append(written: Written, gathering: Gathering, pos: Lsn): Promise<void> {
  const files = await gathering.finish();
  if (files.length > 0) await (await written.writer(gathering.table)).append(gathering.table, files, pos);
}

async function replace(written: Written, copy: Copy, pos: Lsn): Promise<void> {
  await (await written.writer(copy.table)).replace(copy.table, await copy.finish(), pos);
}
