import { bindingOf, boundSince, type Checkpoint, type TableEntry, type TableState } from '../../core/checkpoint.ts';
import { mergeCheckpoints } from '../checkpoints.ts';
import { isSameCopy } from '../merge.ts';
import type { Gathered } from '../roster.ts';

type Entries = Checkpoint['tables'];

/** Whether the others hold a copy of the table that a sink has to make for itself. What halted it with them, or after them, halts all. */
export function isToCopy(own: TableEntry | undefined, others: TableEntry): boolean {
  const lacksOrdered = own !== undefined && own.order.count < others.order.count;
  if (others.state.state !== 'streaming' || (own && isSameCopy(own, others) && !lacksOrdered)) return false;
  const isOlder =
    !own || own.generation < others.generation || own.binding.number < others.binding.number || lacksOrdered;
  return isOlder || own.state.state !== 'halted';
}

/**
 * What a sink that reads by itself begins with, so that it holds in the end what the others do: a table that it holds otherwise is to be
 * copied as they have it, and what was bound anew since it bound it is bound as theirs, also where they do not stream it: by name it would
 * take in, and send raw, whatever took that name since, though the others halted for it. `bound`: see Bindings. `told`: the tables whose
 * entries it has to be told of.
 */
export function toward(
  own: Checkpoint,
  others: Entries,
  bound: Entries,
): { checkpoint: Checkpoint; told: ReadonlySet<string> } {
  const tables = new Map(own.tables);
  const told = new Set<string>();
  for (const [name, entry] of [...others, ...unknownTo(others, bound)]) {
    const before = tables.get(name);
    if (!isToCopy(before, entry) && bindingOf(entry) <= bindingOf(before)) continue;
    const generation = Math.max(before?.generation ?? 0, entry.generation);
    const state: TableState = entry.state.state === 'halted' ? entry.state : { state: 'absent' };
    tables.set(name, { ...entry, generation, state });
    told.add(name);
  }
  return { checkpoint: { position: own.position, tables }, told };
}

/** What a sink bound that is not among these. Its names alone count: what became of the table since nobody here knows. */
function unknownTo(entries: Entries, bound: Entries): [string, TableEntry][] {
  return boundSince(entries, bound).map(([name, entry]) => [name, { ...entry, state: { state: 'absent' } }]);
}

/** The same for sinks that read together, of what none of them bound last. */
export function allToward(own: ReadonlyMap<string, Checkpoint>, bound: Entries): Omit<Gathered, 'names'> {
  const { tables } = mergeCheckpoints([...own.values()]);
  const made = [...own].map(
    ([name, one]) => [name, toward(one, new Map(unknownTo(tables, bound)), new Map())] as const,
  );
  const checkpoints = new Map(made.map(([name, { checkpoint }]) => [name, checkpoint]));
  return { checkpoints, told: new Set(made.flatMap(([, { told }]) => [...told])) };
}

/** What becomes of a sink that has caught up: it joins the others, copies something more by itself, or waits until they have copied. */
export function whatNext(own: Entries, others: Entries): 'join' | 'copy' | 'wait' {
  const all = [...others];
  if (all.some(([name, entry]) => isToCopy(own.get(name), entry))) return 'copy';
  return all.some(([name, entry]) => isBeingCopied(entry, own.get(name))) ? 'wait' : 'join';
}

function isBeingCopied({ state }: TableEntry, own: TableEntry | undefined): boolean {
  return state.state === 'stale' || (state.state === 'absent' && own?.state.state === 'streaming');
}
