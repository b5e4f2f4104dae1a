/** Lets one wait until others say that something changed. Look first, then wait, with nothing awaited in between: then no ring is missed. */
export class Bell {
  #waiting: PromiseWithResolvers<void> | null = null;

  /** Resolves at the next ring. */
  get rung(): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  ring(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}
