import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../core/errors.ts';
import type { Observe } from '../core/observer.ts';
import type { Assembly } from './assembly.ts';

const EVERY_MS = 10_000;

/** Tells from the take-over on how much WAL the slot holds. A source that is away is told of by the pipeline, and not here. */
export async function watchSlot(
  { slot }: Pick<Assembly, 'slot'>,
  observe: Observe,
  takenOver: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await takenOver;
  while (!signal.aborted) {
    const seen = await slot().catch(unlessAway);
    if (seen) observe(seen);
    await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
  }
}

function unlessAway(error: unknown): null {
  if (error instanceof PgveilError) return null;
  throw error;
}
