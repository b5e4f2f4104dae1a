import type { Action } from '../delta/action.ts';
import { LogHistory } from './log-history.ts';
import type { Tended } from './tended.ts';

/** What the versions since a moment need, and what else the log speaks of. Paths are as in the log. */
export interface Retained {
  /** The version of that moment, the oldest that can be read from then on; -1 where there is no table. */
  readonly oldest: number;
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
  let moment: { readonly version: number; readonly paths: readonly string[] } | null = null;
  const added: string[] = [];
  const asItIs = () => ({ version: snapshot.version, paths: [...snapshot.files.keys()] });
  for await (const [version, actions] of history.behind(snapshot.version)) {
    if (!moment && snapshot.version >= 0 && timeOf(actions) > since) moment = asItIs();
    snapshot.apply(version, actions);
    for (const { add } of actions) {
      if (!add) continue;
      known.add(add.path);
      if (moment) added.push(add.path);
    }
  }
  const { version: oldest, paths } = moment ?? asItIs();
  const needed = new Set([...paths, ...added]);
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
