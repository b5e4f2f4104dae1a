import { type Checkpoint, isBound, type TableEntry, type TableState } from '../../core/checkpoint.ts';
import type { Lsn } from '../../core/lsn.ts';
import { isSameCopy } from '../merge.ts';

type Entries = Checkpoint['tables'];

/** Whether the others hold a copy of the table that a sink has to make for itself. What halted it with them, or after them, halts all. */
function isToCopy(own: TableEntry | undefined, others: TableEntry): boolean {
  const lacksOrdered = own !== undefined && own.order.count < others.order.count;
  if (others.state.state !== 'streaming' || (own && isSameCopy(own, others) && !lacksOrdered)) return false;
  const isOlder =
    !own || own.generation < others.generation || own.binding.number < others.binding.number || lacksOrdered;
  return isOlder || own.state.state !== 'halted';
}

/**
 * Which of the sinks read together: those that hold what the fullest of them holds, and whose positions the pipeline's slot still has.
 * What they do not hold alike and no copy of one alone could mend is copied into all (merge.ts). Each of the others reads by itself.
 * `stands`: where the slot stands, null where there is none.
 */
export function together(checkpoints: ReadonlyMap<string, Checkpoint>, stands: Lsn | null): ReadonlySet<string> {
  const isCovered = ({ position }: Checkpoint) => position !== null && (stands === null || position.pos >= stands);
  const rank = (one: Checkpoint) =>
    [Number(isCovered(one)), streamingIn(one), orderedIn(one), one.position?.pos ?? -1n] as const;
  const leader = [...checkpoints.values()].reduce((best, one) => (isAbove(rank(one), rank(best)) ? one : best));
  const lacks = (one: Checkpoint) =>
    [...leader.tables].some(([name, entry]) => isToCopy(one.tables.get(name), entry) && !isLater(name, one, leader));
  // Where nothing streams yet everything is copied, and into all at once.
  const belongs = (one: Checkpoint) => one === leader || ((isCovered(one) || streamingIn(leader) === 0) && !lacks(one));
  return new Set([...checkpoints].flatMap(([name, one]) => (belongs(one) ? name : [])));
}

/** The table stopped behind where the leader stands: that is to come for the leader, too. */
function isLater(name: string, { position, tables }: Checkpoint, leader: Checkpoint): boolean {
  const [own, other] = [tables.get(name), leader.tables.get(name)];
  const isOfSameCopy = own?.generation === other?.generation && own?.state.state === 'stale';
  return isOfSameCopy && (position?.pos ?? -1n) > (leader.position?.pos ?? -1n);
}

function streamingIn({ tables }: Checkpoint): number {
  return [...tables.values()].filter(({ state }) => state.state === 'streaming').length;
}

/** Of two that hold as much it is the one that heard of more orders that the other has to follow. */
function orderedIn({ tables }: Checkpoint): number {
  return [...tables.values()].reduce((sum, { order }) => sum + order.count, 0);
}

function isAbove(one: readonly (number | bigint)[], other: readonly (number | bigint)[]): boolean {
  const at = one.findIndex((value, i) => value !== other[i]);
  return at !== -1 && one[at]! > other[at]!;
}

/**
 * What a sink that reads by itself begins with, so that it holds in the end what the others do: a table that it holds otherwise is to be
 * copied as they have it, and what it never bound itself is bound as theirs, also where they do not stream it: by name it would take in, and
 * send raw, whatever took that name since, though the others halted for it. `told`: the tables whose entries it has to be told of.
 */
export function toward(own: Checkpoint, others: Entries): { checkpoint: Checkpoint; told: ReadonlySet<string> } {
  const tables = new Map(own.tables);
  const told = new Set<string>();
  for (const [name, entry] of others) {
    const before = own.tables.get(name);
    if (!isToCopy(before, entry) && (isBound(before) || !isBound(entry))) continue;
    const generation = Math.max(before?.generation ?? 0, entry.generation);
    const state: TableState = entry.state.state === 'halted' ? entry.state : { state: 'absent' };
    tables.set(name, { ...entry, generation, state });
    told.add(name);
  }
  return { checkpoint: { position: own.position, tables }, told };
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
