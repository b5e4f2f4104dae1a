/** Lets one at a time through, in the order of asking. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with the function that ends it. An aborted `signal` ends the wait and gives the turn away. */
  async take(signal: AbortSignal): Promise<() => void> {
    const before = this.#last;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#last = before.then(() => ended);
    const end = () => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    await Promise.race([before, ended]);
    return end;
  }
}
