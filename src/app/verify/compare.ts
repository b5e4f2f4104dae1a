import { setTimeout as sleep } from 'node:timers/promises';
import { keyOf, rowOf, shownKey, versionOf } from '../../core/digest.ts';
import { bucketOf, each, Sums } from './sums.ts';
import { type Sighting, Suspect, type Verdict } from './suspects.ts';

/** Both sides at one moment, the sink no earlier than the source. */
export interface Look {
  /** Digests of what the sink should hold. May be read several times. */
  expected(): AsyncIterable<Buffer>;
  /** Digests of what it holds. */
  held(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export interface Compared {
  /** Rows: those of the source, and of the sink those that the source has not. */
  readonly compared: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** Rows that were written between one look and the next, whenever they were looked at: nobody can say. */
  readonly unsettled: number;
  /** Whether there were too many differences to find them all: the numbers are of those that were found. */
  readonly atLeast: boolean;
  /** Hashes of keys, the first few. */
  readonly examples: readonly string[];
}

/** Of all looks but the first, between one and the next: long enough for a commit under way to be one. */
const PAUSE_MS = 500;
/** A row that is written all the time may never hold still. */
const MOST_LOOKS = 6;
/** So many keys are looked at once more: about 100 MB. Where more differ, something is wrong that need not be counted to the end. */
const MOST_SUSPECTS = 200_000;
/** Keys of one table that are shown: of one sink, and of all of its sinks together. */
export const EXAMPLES = 10;

type Suspects = Map<string, Suspect>;

/** Waits for the sink to be as far as the source, where it is `patient`; otherwise only for a moment, and takes it as it is. */
export type Open = (patient: boolean) => Promise<Look>;

/** Compares one table. `share` of the keys (0 to 1), the same keys of all sides and at every time. */
export async function compare(open: Open, share = 1): Promise<Compared> {
  const isMeant = sampleOf(share);
  let found = await findSuspects(await open(false), isMeant);
  // A sink that is far behind differs in more than can be looked at once more.
  if (found.atLeast) found = await findSuspects(await open(true), isMeant);
  for (let looks = 1; looks < MOST_LOOKS && isOpen(found.suspects); looks++) {
    await sleep(PAUSE_MS);
    await lookAgain(await open(true), found.suspects);
  }
  return resultOf(found.suspects, found.rows, found.atLeast);
}

interface Found {
  readonly suspects: Suspects;
  /** Of the source. */
  readonly rows: number;
  /** Whether there are more suspects. */
  readonly atLeast: boolean;
}

type Sample = (digests: Buffer, at: number) => boolean;

/** By other bytes of the key than its bucket is chosen by. */
function sampleOf(share: number): Sample {
  const below = share * 2 ** 32;
  return (digests, at) => digests.readUInt32LE(at + 4) < below;
}

/** The keys whose rows are not equal at this look. */
async function findSuspects(look: Look, isMeant: Sample): Promise<Found> {
  try {
    const [expected, held] = [new Sums(), new Sums()];
    // One after the other, here and below: what a sink needs to fold its rows is not needed beside what the source's take.
    await each(look.held(), (digests, at) => isMeant(digests, at) && held.add(digests, at));
    await each(look.expected(), (digests, at) => isMeant(digests, at) && expected.add(digests, at));
    const groups = expected.differing(held, MOST_SUSPECTS);
    return { ...(await unequal(look, groups, isMeant)), rows: expected.rows };
  } finally {
    await look.close();
  }
}

async function unequal(look: Look, groups: readonly ReadonlySet<number>[], isMeant: Sample) {
  const suspects: Suspects = new Map();
  for (const [at, group] of groups.entries()) {
    const isThere: Sample = (digests, at) => group.has(bucketOf(digests, at)) && isMeant(digests, at);
    for (const [key, seen] of await sightings(look, isThere)) {
      if (seen.source !== seen.sink) suspects.set(key, new Suspect(seen));
    }
    if (suspects.size >= MOST_SUSPECTS && at + 1 < groups.length) return { suspects, atLeast: true };
  }
  return { suspects, atLeast: false };
}

async function lookAgain(look: Look, suspects: Suspects): Promise<void> {
  try {
    const seen = await sightings(look, (digests, at) => suspects.has(keyOf(digests, at)));
    for (const [key, suspect] of suspects) suspect.see(seen.get(key) ?? NOWHERE);
  } finally {
    await look.close();
  }
}

const NOWHERE: Sighting = { source: null, sink: null, version: null };

/** Of the keys that are meant, what either side has. */
async function sightings(look: Look, isMeant: Sample): Promise<Map<string, Sighting>> {
  const sources = new Map<string, string>();
  const sinks = new Map<string, Sighting>();
  await each(look.held(), (digests, at) => {
    if (!isMeant(digests, at)) return;
    sinks.set(keyOf(digests, at), { source: null, sink: rowOf(digests, at), version: versionOf(digests, at) });
  });
  await each(look.expected(), (digests, at) => {
    if (isMeant(digests, at)) sources.set(keyOf(digests, at), rowOf(digests, at));
  });
  const seen = new Map(sinks);
  for (const [key, source] of sources) seen.set(key, { ...(sinks.get(key) ?? NOWHERE), source });
  return seen;
}

function isOpen(suspects: Suspects): boolean {
  return [...suspects.values()].some(({ isCleared, verdict }) => !isCleared && verdict === null);
}

function resultOf(suspects: Suspects, rows: number, atLeast: boolean): Compared {
  const counts: Record<Verdict, number> = { missing: 0, extra: 0, different: 0 };
  const examples: string[] = [];
  let unsettled = 0;
  for (const [key, { verdict, isCleared }] of suspects) {
    if (verdict === null) {
      if (!isCleared) unsettled++;
      continue;
    }
    counts[verdict]++;
    if (examples.length < EXAMPLES) examples.push(shownKey(key));
  }
  return { compared: rows + counts.extra, ...counts, unsettled, atLeast, examples };
}
