import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** What is waited for, as the words after "waited for"; a function may add what was seen last. */
  what: string | (() => string);
  /** In milliseconds. */
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
  { what, timeout = 30_000, interval = 20 }: UntilOptions,
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
