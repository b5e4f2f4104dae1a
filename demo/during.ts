/**
 * Does `task` while `backgrounds` go on; they end at their signal. Whichever fails first ends the others: what a background
 * throws is thrown even where the task has ended well, or has failed only because it was ended.
 */
export async function during<T>(
  backgrounds: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const going = backgrounds.map((background) => background(either));
  for (const each of going) each.catch(() => over.abort());
  try {
    return await task(either);
  } finally {
    over.abort();
    await Promise.allSettled(going);
    await Promise.all(going);
  }
}
