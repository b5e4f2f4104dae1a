import type { Action } from '../delta/action.ts';
import { Snapshot } from '../delta/snapshot.ts';
import { LogHistory } from './log-history.ts';
import type { Tended } from './tended.ts';

/** What the versions since a moment need, and what else the log speaks of. Paths are as in the log. */
export interface Retained {
  /** The table as it was at that moment: the oldest version that can be read from then on. Of version -1 where there is none. */
  readonly oldest: Snapshot;
  readonly needed: ReadonlySet<string>;
  /** All that any version in the log has or had. */
  readonly known: ReadonlySet<string>;
  /** Of what older versions alone need: when the last of it was removed, in ms since 1970; null where there is none. */
  readonly lastRemoval: number | null;
}

/** `since` in milliseconds since 1970. */
export async function retained(table: Tended, since: number): Promise<Retained> {
  const history = await LogHistory.open(table);
  const snapshot = await history.start();
  const known = new Set(snapshot.files.keys());
  let oldest: Snapshot | null = null;
  const added: string[] = [];
  for await (const [version, actions] of history.behind(snapshot.version)) {
    if (!oldest && snapshot.version >= 0 && timeOf(actions) > since) oldest = copyOf(snapshot);
    snapshot.apply(version, actions);
    for (const { add } of actions) {
      if (!add) continue;
      known.add(add.path);
      if (oldest) added.push(add.path);
    }
  }
  oldest ??= snapshot;
  const needed = new Set([...oldest.files.keys(), ...added]);
  let lastRemoval: number | null = null;
  for (const path of needed) {
    const removed = snapshot.tombstones.get(path)?.deletionTimestamp;
    if (removed !== undefined) lastRemoval = Math.max(lastRemoval ?? 0, removed);
  }
  return { oldest, needed, known, lastRemoval };
}

/** When a version was made. One that does not say so counts as made with the one before. */
function timeOf(actions: readonly Action[]): number {
  return actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.timestamp ?? 0;
}

function copyOf(snapshot: Snapshot): Snapshot {
  const copy = new Snapshot();
  copy.apply(snapshot.version, snapshot.actions(0));
  return copy;
}
