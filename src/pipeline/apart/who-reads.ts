import type { Checkpoint } from '../../core/checkpoint.ts';
import { needsPerson } from '../../core/error-kind.ts';
import type { Lsn } from '../../core/lsn.ts';
import { isToCopy } from './alike.ts';
import type { OpenedSinks } from './open-all.ts';

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
 * Of those that answered, the ones that do not read together now, and of each whether the slot still has what it needs. Where the slot has
 * what nobody needs who is here, and some are away that will be back by themselves, it is theirs: all leave, since to read with it they
 * had to make it anew.
 */
export function notTogether({ opened, away }: OpenedSinks, stands: Lsn | null): ReadonlyMap<string, boolean> {
  const isCovered = (name: string) => stands !== null && (opened.get(name)!.position?.pos ?? -1n) >= stands;
  const here = together(opened, stands);
  const comeBack = away.size > 0 && ![...away.values()].some(({ kind }) => needsPerson(kind));
  const isTheirs = comeBack && stands !== null && ![...here].some(isCovered);
  const leaving = [...opened.keys()].filter((name) => isTheirs || !here.has(name));
  return new Map(leaving.map((name) => [name, isCovered(name)]));
}
