import type { TableEntry, TableState } from './checkpoint.ts';
import { formatLsn, parseLsn } from './lsn.ts';

/** A table's entry as JSON: as it is in memory, with LSNs as Postgres writes them. The form is part of CHECKPOINT_FORMAT. */
export function entryToJson(entry: TableEntry): string {
  const { oid, binding, shape, fingerprint, plan, key, generation, state } = entry;
  const stored = state.state === 'stale' ? { ...state, since: formatLsn(state.since) } : state;
  return JSON.stringify({ oid, binding, shape, fingerprint, plan, key, generation, state: stored });
}

export function entryFromJson(json: string): TableEntry {
  const entry = JSON.parse(json) as TableEntry & { state: StoredState };
  return { ...entry, state: stateFromJson(entry.state) };
}

type StoredState = TableState | { readonly state: 'stale'; readonly since: string; readonly reason: string };

function stateFromJson(state: StoredState): TableState {
  return state.state === 'stale' ? { ...state, since: parseLsn(state.since as string) } : state;
}
