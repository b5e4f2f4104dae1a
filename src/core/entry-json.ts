import { NOTHING_ORDERED, type TableEntry, type TableState } from './checkpoint.ts';
import { formatLsn, parseLsn } from './lsn.ts';

/** A table's entry as JSON: as it is in memory, with LSNs as Postgres writes them. The form is part of CHECKPOINT_FORMAT. */
export function entryToJson(entry: TableEntry): string {
  const { oid, formerly, binding, shape, fingerprint, plan, key, generation, state, order } = entry;
  const stored = state.state === 'stale' ? { ...state, since: formatLsn(state.since) } : state;
  return JSON.stringify({ oid, formerly, binding, shape, fingerprint, plan, key, generation, state: stored, order });
}

export function entryFromJson(json: string): TableEntry {
  const entry = JSON.parse(json) as TableEntry & { state: StoredState };
  // Formats 1 and 2 had neither; what columns' names were bound to counts in them as well.
  const { formerly = [], order } = entry as Partial<TableEntry>;
  return { ...entry, formerly, order: { ...NOTHING_ORDERED, ...order }, state: stateFromJson(entry.state) };
}

type StoredState = TableState | { readonly state: 'stale'; readonly since: string; readonly reason: string };

function stateFromJson(state: StoredState): TableState {
  return state.state === 'stale' ? { ...state, since: parseLsn(state.since as string) } : state;
}
