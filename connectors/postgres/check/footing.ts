import type pg from 'pg';
import type { SourceConfig } from '../../../config/config.ts';
import type { Position } from '../../../src/core/checkpoint.ts';
import { type ErrorCode, type Finding, PgveilError } from '../../../src/core/errors.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { isRunning } from '../slot/lock.ts';
import { findSlot } from '../slot/slot-fit.ts';
import { asGap, requireKept } from '../slot/slot-kept.ts';
import { requireSameServer, WitnessSearches } from '../stream/history.ts';
import { Receiver } from '../stream/receiver.ts';
import type { Expected } from './expected.ts';

/** What a start of a pipeline goes on from. */
export interface Footing {
  readonly pipeline: string;
  readonly onGap: SourceConfig['onGap'];
  /**
   * Where those sinks stand that would read from the slot, the earliest first; none where they hold nothing yet. `stands`: where the slot
   * does, null where it keeps nothing. Asked behind the slot, which is never ahead of them.
   */
  readonly positions: (stands: Lsn | null) => Promise<readonly Position[]>;
}

/** What would end a start, or have it copy everything anew. What else fails here other checks say. */
const TOLD: ReadonlySet<ErrorCode> = new Set(['slot_unfit', 'slot_lost', 'gap_held', 'history_changed']);

/** Whether a start could go on from there, and why not: the slot, what it kept, and whose history it is. */
export async function checkFooting(client: pg.Client, expected: Expected): Promise<Finding[]> {
  const { footing } = expected;
  try {
    await requireFooting(client, expected);
    return [];
  } catch (thrown) {
    const error = footing ? asGap(thrown, footing.onGap) : thrown;
    if (!(error instanceof PgveilError)) throw error;
    const { code, message, fix } = error;
    // An instance that runs has its own way with a gap, and may be in the middle of it.
    const isSeenTo = code !== 'slot_unfit' && footing !== undefined && (await isRunning(client, footing.pipeline));
    if (!TOLD.has(code) || isSeenTo) return [];
    return [{ code, object: code === 'history_changed' ? 'source' : 'source.slot', message, fix }];
  }
}

/** Rejects as a start would, without moving anything. What only the stream could show is left out. */
async function requireFooting(client: pg.Client, { url, slot: name, publication, footing }: Expected): Promise<void> {
  const slot = await findSlot(client, name);
  if (!footing) return;
  const stands = slot && slot.walStatus !== 'lost' ? slot.confirmedFlush : null;
  const [first, ...others] = await footing.positions(stands);
  if (!first) return;
  await requireSameHistory(url, [first, ...others]);
  await requireKept(client, { slot: name, publication });
  // Where it stood before the sinks were asked: an instance that is ending moves slot and sinks on meanwhile.
  if (slot?.confirmedFlush) new WitnessSearches(first, others, slot.confirmedFlush);
}

async function requireSameHistory(url: Secret, positions: readonly [Position, ...Position[]]): Promise<void> {
  const receiver = await Receiver.open(url, 'pgveil check');
  try {
    const identity = await receiver.identify(positions[0].history.timeline);
    for (const position of positions) requireSameServer(position, identity);
  } finally {
    await receiver.close();
  }
}
