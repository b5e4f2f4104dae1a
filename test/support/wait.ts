import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long a test waits for what is no promise about time: far longer than anything takes on a machine that does nothing
 * else. On one that has much to do Node alone may need a minute to start.
 */
export const PATIENCE_MS = 180_000;

export interface UntilOptions {
  /** What is waited for, as the words after "waited for"; a function may add what was seen last. */
  what: string | (() => string);
  /** In milliseconds; shorter than PATIENCE_MS only where the time itself is what is promised. */
  timeout?: number;
  /** Between two looks, in milliseconds. */
  interval?: number;
}

/**
 * Looks until the condition holds, and returns what it gave (anything but `undefined`, `null` and `false`).
 * Rejects with what it waited for when the time is over, also when a look itself hangs, and at once when a look throws.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeout = PATIENCE_MS, interval = 20 }: UntilOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const over = new AbortController();
  const deadline = sleep(timeout, undefined, { signal: over.signal }).then(() => {
    throw new Error(`waited ${timeout} ms in vain for ${typeof what === 'string' ? what : what()}`);
  });
  deadline.catch(() => {}); // aborted below: nobody is listening any more
  const look = async () => {
    for (;;) {
      const seen = await condition();
      if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
      await sleep(interval, undefined, { signal: over.signal });
    }
  };
  const looking = look();
  looking.catch(() => {});
  try {
    return await Promise.race([looking, deadline]);
  } finally {
    over.abort();
  }
}
