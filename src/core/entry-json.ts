import { NOTHING_ORDERED, type TableEntry, type TableState } from './checkpoint.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { assertForm, isFlag, isInteger, isListOf, isNullOr, isObjectOf, isText } from './stored.ts';

/** A table's entry as JSON: as it is in memory, with LSNs as Postgres writes them. The form is part of CHECKPOINT_FORMAT. */
export function entryToJson(entry: TableEntry): string {
  const { oid, formerly, binding, shape, fingerprint, plan, key, generation, state, order } = entry;
  const stored = state.state === 'stale' ? { ...state, since: formatLsn(state.since) } : state;
  return JSON.stringify({ oid, formerly, binding, shape, fingerprint, plan, key, generation, state: stored, order });
}

/** Throws where it is none. */
export function entryFromJson(json: string): TableEntry {
  const stored = JSON.parse(json) as StoredEntry;
  // Formats 1 and 2 had neither; what columns' names were bound to counts in them as well. Format 1 had no fingerprint.
  const { formerly = [], fingerprint = null, order } = stored;
  const entry = { ...stored, formerly, fingerprint, order: { ...NOTHING_ORDERED, ...order } };
  assertForm(entry, isEntry);
  return { ...entry, state: stateFromJson(entry.state) };
}

type StoredState =
  | Exclude<TableState, { state: 'stale' }>
  | { readonly state: 'stale'; readonly since: string; readonly reason: string };

type StoredEntry = Omit<TableEntry, 'state'> & { readonly state: StoredState };

function stateFromJson(state: StoredState): TableState {
  return state.state === 'stale' ? { ...state, since: parseLsn(state.since) } : state;
}

const STATES = {
  streaming: isObjectOf({}),
  stale: isObjectOf({ since: isText, reason: isText }),
  halted: isObjectOf({ code: isText }),
  absent: isObjectOf({}),
};

function isState(value: unknown): boolean {
  const { state } = (value ?? {}) as { state?: unknown };
  return typeof state === 'string' && Object.hasOwn(STATES, state) && STATES[state as keyof typeof STATES](value);
}

const isEntry = isObjectOf({
  oid: isInteger,
  formerly: isListOf(isInteger),
  binding: isObjectOf({ number: isInteger, columns: isListOf(isObjectOf({ attnum: isInteger, name: isText })) }),
  shape: isObjectOf({
    columns: isListOf(isObjectOf({ attnum: isInteger, name: isText, type: isInteger, modifier: isInteger })),
    key: isListOf(isInteger),
    identity: isText,
  }),
  fingerprint: isNullOr(isObjectOf({})),
  plan: isText,
  key: isText,
  generation: isInteger,
  state: isState,
  order: isObjectOf({ copy: isFlag, approved: isNullOr(isText), byFlag: isFlag, count: isInteger }),
});
