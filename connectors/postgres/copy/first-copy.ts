import type { RawBatch, TableEvent } from '../../../src/core/batch.ts';
import type { Checkpoint, History, Position, TableState } from '../../../src/core/checkpoint.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Table } from '../../../src/core/table.ts';
import { unlessAborted } from '../abort.ts';
import type { ReadTable } from '../catalog/reading.ts';
import { dropSlot } from '../slot/slot.ts';
import { findSlot } from '../slot/slot-fit.ts';
import { copySnapshot, type SnapshotCopyOptions, takeSnapshot } from './snapshot.ts';
import { emptyBatch } from './table-copy.ts';

export interface FirstCopyOptions extends SnapshotCopyOptions {
  /** What the sinks have of the tables; nobody knows how old it is. */
  readonly entries: Checkpoint['tables'];
  readonly history: History;
  /** Told of the events that are handed out. */
  readonly note: (events: readonly TableEvent<'raw'>[]) => void;
}

export interface FirstCopy {
  /** All that committed before it was copied, all that follows is in the slot. */
  readonly position: Position;
  /** Those that were copied to their end. */
  readonly tables: readonly ReadTable[];
}

/**
 * Copies everything under a new slot, in place of an old one of that name: nobody has what that one would send. The position comes
 * before the tables: after a crash those that are finished go on from there, and the others are copied like any that are due.
 */
export async function* copyFirst(options: FirstCopyOptions): AsyncGenerator<RawBatch, FirstCopy> {
  const { source, history, observe, settling, entries, note, signal } = options;
  const name = source.slot;
  const snapshot = await takeSnapshot({
    ...options,
    name,
    temporary: false,
    before: async (client) => void ((await findSlot(client, name)) && (await dropSlot(client, name))),
  });
  observe({ type: 'step', message: `everything is copied under the new slot ${name}` });
  const position: Position = { pos: snapshot.slot.consistentPoint, witness: null, history };
  const at = (events: readonly TableEvent<'raw'>[]): RawBatch => {
    note(events);
    return { ...emptyBatch({ clsn: position.pos, xid: null, commitTime: 0n }), events, position };
  };
  try {
    yield at(absent(entries));
    const { reading, batches } = await copySnapshot(options, snapshot, () => snapshot.slot.release());
    const finished: TableEvent<'raw'>[] = [];
    const tables: ReadTable[] = [];
    const finish = async ({ table, generation }: CopyRead) => {
      const settled = await settling.told(table.name, generation);
      if (settled instanceof PgveilError) finished.push(stopped(table, { state: 'halted', code: settled.code }));
      else if (!settled) finished.push(stopped(table, { state: 'absent' }));
      else {
        finished.push({ type: 'copy finished', table });
        tables.push(reading.tables.get(table.name) as ReadTable);
      }
    };
    const finishing: Promise<void>[] = [];
    for await (const batch of batches) {
      note(batch.events);
      yield batch;
      for (const event of batch.events) if (event.type === 'copy read') finishing.push(finish(event));
      if (finished.length > 0) yield at(finished.splice(0));
    }
    await unlessAborted(Promise.all(finishing), signal);
    if (finished.length > 0) yield at(finished.splice(0));
    return { position, tables };
  } finally {
    await snapshot.slot.release();
  }
}

type CopyRead = Extract<TableEvent<'raw'>, { readonly type: 'copy read' }>;

/** Its copy is over, and came to nothing. */
function stopped({ name, oid }: Pick<Table<'raw'>, 'name' | 'oid'>, state: TableState): TableEvent<'raw'> {
  return { type: 'stopped', name, oid, state, definition: null };
}

/** What the sinks hold is not to be continued from the new position. */
function absent(entries: Checkpoint['tables']): TableEvent<'raw'>[] {
  return [...entries]
    .filter(([, { state }]) => state.state === 'absent')
    .map(([name, { oid, state }]) => stopped({ name, oid }, state));
}
