import type { Checkpoint, Position } from '../../core/checkpoint.ts';
import type { Lsn } from '../../core/lsn.ts';
import { together } from '../../pipeline/apart/who-reads.ts';
import { whereToRead } from '../../pipeline/checkpoints.ts';

/** What is durable in each sink; null where nothing is, undefined where one does not answer, which another check says. */
export type StoredIn = ReadonlyMap<string, Checkpoint | null | undefined>;

const NOTHING: Checkpoint = { position: null, tables: new Map() };

/**
 * Where those sinks stand that would read together from a slot that stands at `stands` (null: it keeps nothing), the earliest first, as
 * MainRoster has it; none where a start copies everything anyway. Throws `history_changed` where they are of different sources.
 */
export function whereSinksStand(stored: StoredIn, stands: Lsn | null): readonly Position[] {
  const known = new Map([...stored].flatMap(([name, one]) => (one === undefined ? [] : [[name, one ?? NOTHING]])));
  if (known.size === 0) return [];
  const here = together(known, stands);
  const { position, ahead } = whereToRead(new Map([...known].filter(([name]) => here.has(name))), false);
  if (!position) return [];
  // What nobody needs who is here may be kept for one that is away: the others read by themselves then.
  const isAnothers = known.size < stored.size && stands !== null && position.pos < stands;
  return isAnothers ? [] : [position, ...ahead];
}
