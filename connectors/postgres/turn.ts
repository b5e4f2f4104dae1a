/** Lets one at a time through, in the order of asking. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  /**
   * Resolves when it is the caller's turn, with the function that ends it. An aborted `signal` ends the wait, not a turn that has begun: what is
   * done in it is not over by that. So whoever gets here with an aborted signal ends it at once, since it may be somebody else's.
   */
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
    signal.removeEventListener('abort', end); // from here on whoever has the turn ends it
    return end;
  }
}
