import type { Config } from '../../../config/config.ts';
import type { SlotSeen } from '../../core/observer.ts';
import { mergeCheckpoints } from '../../pipeline/checkpoints.ts';
import type { Assembly } from '../assembly.ts';
import { askRunning } from '../running.ts';
import { type SlotStatus, SlotWatch } from '../state/slot-watch.ts';
import { State, type Status } from '../state/state.ts';

/** What `pgveil status` shows. */
export type Report = { readonly running: boolean } & Status;

/** What the running process says; without one, what is stored. */
export async function readStatus(config: Config, assembly: Assembly): Promise<Report> {
  const answer = await askRunning(config.http, config.name);
  return answer ? { running: true, ...answer } : { running: false, ...(await readStored(config, assembly)) };
}

/** The status of a pipeline that nobody runs: what is stored is told to a State as if it had just been observed. */
export async function readStored({ name, source, tables, sinks }: Config, assembly: Assembly): Promise<Status> {
  const [checkpoints, slot, own, unused] = await Promise.all([
    assembly.checkpoints(),
    assembly.slot(),
    assembly.ownSlots(),
    assembly.unusedSlots(),
  ]);
  const state = new State({ name, slot: source.slot, tables: tables.keys(), sinks: sinks.keys() });
  const stored = [...checkpoints.values()].filter((checkpoint) => checkpoint !== null);
  // Without a position the first copy was not finished: the rows that are there will be thrown away.
  const isCopied = stored.every(({ position }) => position !== null);
  for (const [table, entry] of mergeCheckpoints(stored).tables) {
    const now = isCopied ? entry.state : ({ state: 'waiting' } as const);
    state.observe({ type: 'table', table, generation: entry.generation, ...now });
  }
  for (const [sink, checkpoint] of checkpoints) {
    if (checkpoint?.position) state.observe({ type: 'durable', sink, pos: checkpoint.position.pos });
  }
  if (slot) state.observe(slot);
  for (const [sink, seen] of own) {
    state.observe({ type: 'sink', sink, state: 'parked', slot: seen.name, own: sink });
    state.observe({ ...seen, own: sink });
  }
  const status = state.status();
  const told = Object.entries(status.sinks).map(([name, sink]) => [name, { ...sink, lag_ms: null }] as const);
  const unused_slots = unused.map(unusedStatus);
  return { ...status, sinks: Object.fromEntries(told), ...(unused.length > 0 ? { unused_slots } : {}) };
}

function unusedStatus(seen: SlotSeen): SlotStatus {
  const watch = new SlotWatch(seen.name);
  watch.slot(seen);
  return watch.status();
}
