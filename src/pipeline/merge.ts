import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint, Order, TableEntry, TableState } from '../core/checkpoint.ts';

type Entries = Checkpoint['tables'];
/** One sink's entry of a table; undefined where it has none. */
type Held = TableEntry | undefined;

/**
 * What all sinks together hold of each table. One that they do not hold alike (a crash came between two flushes, a sink is new) streams
 * into none of them until it is copied again into all: a change that one took and another did not would be lost or come twice.
 * `sinks`: the entries of each, the sink with the earliest position first. `apart`: names of such tables.
 */
export function mergeEntries(sinks: readonly Entries[]): { tables: Entries; apart: ReadonlySet<string> } {
  const tables = new Map<string, TableEntry>();
  const apart = new Set<string>();
  for (const name of new Set(sinks.flatMap((entries) => [...entries.keys()]))) {
    const held = sinks.map((entries) => entries.get(name));
    const merged = merge(held);
    tables.set(name, merged);
    const isToBeTold = merged.state.state !== 'streaming' && !held.every((entry) => isDeepStrictEqual(entry, merged));
    if (isToBeTold) apart.add(name);
  }
  return { tables, apart };
}

/** Of entries that are alike the first: what its sink did not see yet of the fingerprint comes again. */
function merge(held: readonly Held[]): TableEntry {
  const known = held.filter((entry) => entry !== undefined);
  const newest = known.reduce((best, entry) => (isNewer(entry, best) ? entry : best));
  const generation = Math.max(...known.map((entry) => entry.generation));
  return { ...newest, generation, state: stateOf(held, newest), order: mergeOrders(known) };
}

/** Bindings and generations only grow. */
function isNewer(one: TableEntry, other: TableEntry): boolean {
  const byBinding = one.binding.number - other.binding.number;
  return byBinding > 0 || (byBinding === 0 && one.generation > other.generation);
}

/** What the sink that is furthest in the stream says of the newest generation. */
function stateOf(held: readonly Held[], newest: TableEntry): TableState {
  const { state } = held.findLast((entry) => entry?.generation === newest.generation) ?? newest;
  const ordered = Math.max(...held.map((entry) => entry?.order.count ?? 0));
  const isAlike = (entry: Held) => entry && isSameCopy(entry, newest) && entry.order.count === ordered;
  if (state.state !== 'streaming' || held.every(isAlike)) return state;
  if (held.some((entry) => !entry || entry.state.state === 'absent')) return { state: 'absent' };
  return { state: 'stale', since: 0n, reason: 'the sinks hold different copies of it' };
}

/** Whether both sinks hold the table under the same definition, and it streams into both or into none. */
export function isSameCopy(one: TableEntry, other: TableEntry): boolean {
  return isDeepStrictEqual(copyOf(one), copyOf(other));
}

/** Each sink counts its own copies when it reads by itself: numbers may differ where nothing else does. */
function copyOf({ oid, binding, shape, plan, key, state }: TableEntry) {
  return { oid, binding, shape, plan, key, state };
}

/** What was ordered in any of them is not done yet. */
function mergeOrders(entries: readonly TableEntry[]): Order {
  const orders = entries.map(({ order }) => order);
  return {
    copy: orders.some(({ copy }) => copy),
    approved: orders.findLast(({ approved }) => approved !== null)?.approved ?? null,
    byFlag: orders.some(({ byFlag }) => byFlag),
    count: Math.max(...orders.map(({ count }) => count)),
  };
}
