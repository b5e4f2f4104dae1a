/** Lets one in at a time, in the order in which they came. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves with what whoever is in calls when it is done; to call it again does nothing. */
  async take(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    await before;
    return resolve;
  }
}
