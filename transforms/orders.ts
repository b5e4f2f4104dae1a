import { ASKED_FOR, type TableEntry } from '../src/core/checkpoint.ts';
import { ERRORS, PgveilError } from '../src/core/errors.ts';
import type { Orders } from '../src/core/redactor.ts';
import { dueState, neverBound } from './entries.ts';

type Entries = ReadonlyMap<string, TableEntry>;

/** What the command line of a start has to know of the configuration. */
interface Configured {
  readonly tables: ReadonlyMap<string, unknown>;
  /** Of the redaction key. */
  readonly fingerprint: string;
}

/**
 * The entries that a start begins with. What was ordered is in them, and durable with the first position: an order that is in an entry
 * already, done or not, is not given again. Throws `key_changed` where another key was not ordered.
 */
export function carryOut(
  orders: Orders,
  entries: Entries,
  { tables, fingerprint }: Configured,
): Map<string, TableEntry> {
  const isOtherKey = [...tables.keys()].some((name) => (entries.get(name)?.key ?? fingerprint) !== fingerprint);
  if (isOtherKey && !orders.acceptKey) throw new PgveilError('key_changed', ERRORS.key_changed.means);
  // The first start of all names tables that no entry knows: they are copied anyway, and not once more at the next one.
  const unknown = [...tables.keys()].filter((name) => orders.recopy.has(name) && !entries.has(name));
  const all = [...entries, ...unknown.map((name) => [name, neverBound(0, fingerprint)] as const)];
  const carried = all.map(([name, entry]) => {
    const keyed = isOtherKey ? underKey(entry, fingerprint) : entry;
    return [name, stopOrdered(approve(named(keyed, orders.recopy.has(name)), orders.approve.get(name)))] as const;
  });
  return new Map(carried);
}

/** Also a table that is not configured at present: should it come back, its key is no other than that of all. */
function underKey(entry: TableEntry, key: string): TableEntry {
  if (entry.key === key) return entry;
  const state = dueState(entry.state, 'the redaction key changed');
  return { ...entry, key, order: { ...entry.order, copy: true }, state };
}

/** `run --recopy`: an order where the last start did not name the table, and none as long as each start does. */
function named(entry: TableEntry, byFlag: boolean): TableEntry {
  if (entry.order.byFlag === byFlag) return entry;
  const { copy, count } = entry.order;
  return { ...entry, order: { ...entry.order, byFlag, copy: copy || byFlag, count: count + Number(byFlag && !copy) } };
}

/** `run --approve`: what comes of it the definition will show. A hash that was approved before fits no definition any more. */
function approve(entry: TableEntry, approved: string | undefined): TableEntry {
  return approved === undefined ? entry : { ...entry, order: { ...entry.order, approved } };
}

/** Whoever died between an order and the stop of its table goes on here. */
function stopOrdered(entry: TableEntry): TableEntry {
  const state = entry.order.copy ? dueState(entry.state, ASKED_FOR) : entry.state;
  return state === entry.state ? entry : { ...entry, state };
}
