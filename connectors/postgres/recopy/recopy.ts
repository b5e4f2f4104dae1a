import { randomUUID } from 'node:crypto';
import type { RawBatch, TableEvent } from '../../../src/core/batch.ts';
import type { Position } from '../../../src/core/checkpoint.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { unlessAborted } from '../abort.ts';
import { readCatalog } from '../catalog/catalog.ts';
import type { ReadTable } from '../catalog/reading.ts';
import { copySnapshot, type Snapshot, type SnapshotCopyOptions, takeSnapshot } from '../copy/snapshot.ts';
import { CopySlot, type CopySlotOptions } from '../slot/copy-slot.ts';
import { Batches } from '../stream/batches.ts';
import { WitnessSearch } from '../stream/history.ts';
import { afterCopy } from '../stream/outset.ts';
import { type Handed, Relations } from '../stream/question.ts';
import { Receiver } from '../stream/receiver.ts';
import { Stream } from '../stream/stream.ts';
import { Transactions } from '../stream/transactions.ts';

export interface RecopyOptions extends SnapshotCopyOptions, Pick<CopySlotOptions, 'use' | 'follow'> {
  /** The stream of the others, which takes the tables over. */
  readonly main: Stream;
  /** Bytes from which on a batch of changes is cut. */
  readonly limit: number;
}

/** The catch-up follows the main stream in rounds, and has it wait when a round took no longer than this. */
const NEAR_MS = 200;
/** Or after so many: some sources write faster than they can be read twice. */
const MOST_ROUNDS = 20;

/**
 * Copies tables anew while `main` streams the others: reads under a temporary slot, then the changes since its consistent point by a
 * stream of its own, until both streams stand at one position. There `main` takes over those that are whole. Ends when it has, or when
 * none is left, and returns their names; throws a PgveilError, or the signal's reason, at once where the slot is lost. Either way the
 * temporary slot is gone.
 */
export async function* recopy(options: RecopyOptions): AsyncGenerator<RawBatch, readonly string[]> {
  const name = `pgveil_copy_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const snapshot = await takeSnapshot({ ...options, name, temporary: true });
  const receiver = Receiver.over(snapshot.slot.walsender);
  try {
    options.signal.throwIfAborted(); // while the slot was made
    return yield* recopyWatched(options, name, snapshot, receiver);
  } finally {
    await receiver.close();
  }
}

/** Ends the copy when its slot is gone, and says so. */
async function* recopyWatched(
  options: RecopyOptions,
  name: string,
  snapshot: Snapshot,
  receiver: Receiver,
): AsyncGenerator<RawBatch, readonly string[]> {
  const slot = new CopySlot({ ...options, name, walsender: snapshot.slot.walsender });
  const signal = AbortSignal.any([options.signal, slot.lost]);
  const letGo = () => void receiver.close();
  signal.addEventListener('abort', letGo);
  try {
    return yield* recopyUnder({ ...options, signal }, name, snapshot, receiver);
  } catch (error) {
    throw options.signal.aborted ? error : await slot.explain(error);
  } finally {
    slot.end();
    signal.removeEventListener('abort', letGo);
  }
}

async function* recopyUnder(
  options: RecopyOptions,
  slot: string,
  snapshot: Snapshot,
  receiver: Receiver,
): AsyncGenerator<RawBatch, readonly string[]> {
  const { signal, settling, source } = options;
  const { reading, batches } = await copySnapshot(options, snapshot);
  const read: CopyRead[] = [];
  for await (const batch of batches) {
    for (const event of batch.events) if (event.type === 'copy read') read.push(event);
    yield batch;
  }
  const whole: ReadTable[] = [];
  for (const { table, generation } of read) {
    const settled = await unlessAborted(settling.told(table.name, generation), signal);
    if (settled === true) whole.push(reading.tables.get(table.name) as ReadTable);
  }
  if (whole.length === 0) return [];
  const stream = await openCatchUp(options, whole, snapshot.slot.consistentPoint);
  await receiver.start(slot, source.publication);
  receiver.listen(stream);
  return yield* catchUp(options, stream, receiver);
}

type CopyRead = Extract<TableEvent<'raw'>, { readonly type: 'copy read' }>;

/** A stream of these tables' changes since the consistent point. What was changed since then is stopped, as any stream would. */
async function openCatchUp(options: RecopyOptions, tables: readonly ReadTable[], pos: Lsn): Promise<Stream> {
  const { configured, limit, main, observe, use } = options;
  const asked = new Map(tables.map(({ table: { name } }) => [name, configured.get(name)!]));
  const look = () => use((client) => readCatalog(client, asked));
  const position: Position = { pos, witness: null, history: main.position.history };
  const outset = afterCopy(tables, await look(), pos, observe);
  const batches = new Batches(limit);
  const witness = new WitnessSearch(position, pos);
  witness.reached(pos); // a slot of our own has no other history
  const transactions = new Transactions(position, batches, new Relations(outset, look, observe), witness);
  transactions.looked(outset.reading);
  return new Stream({ transactions, batches, witness, events: outset.events, look });
}

/** Hands out changes until both streams stand at one position, and has the main one go on with the tables from there. */
async function* catchUp(
  { main, signal, generationOf, observe }: RecopyOptions,
  stream: Stream,
  receiver: Receiver,
): AsyncGenerator<RawBatch, readonly string[]> {
  /** Everything that committed before `lsn`. */
  async function* readTo(lsn: Lsn): AsyncGenerator<RawBatch> {
    stream.goOn();
    stream.stopAt(lsn);
    receiver.ask();
    for (let batch = await stream.next(signal); batch; batch = await stream.next(signal)) {
      if (batch.changes.length > 0) reach('catching up');
      if (batch.changes.length > 0 || batch.events.length > 0) yield batch;
    }
    signal.throwIfAborted();
  }
  const tell = (step: 'caught up' | 'handed over', tables: readonly Handed[]) => {
    for (const { streaming } of tables) {
      const { table } = streaming;
      observe({ type: 'copy step', table: table.name, generation: generationOf(table), step });
    }
  };
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const began = performance.now();
    yield* readTo(main.position.pos);
    if (performance.now() - began <= NEAR_MS) break;
  }
  tell('caught up', stream.handOver());
  const hold = await main.hold(() => stream.position.pos, signal);
  try {
    yield* readTo(hold.position.pos);
    reach('streams at one position');
    const handed = stream.handOver();
    main.takeOver(handed);
    tell('handed over', handed);
    return handed.map(({ streaming }) => streaming.copied.name);
  } finally {
    hold.release();
  }
}
