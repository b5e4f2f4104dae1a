/**
 * The time in which the source is this instance's. Whoever opens a sink or drops a slot beside the pipeline's session waits for it: an
 * instance that was overtaken must take nothing back.
 */
export class SourceLease {
  #begun = Promise.withResolvers<void>();
  #isHeld = false;

  begin(): void {
    this.#isHeld = true;
    this.#begun.resolve();
  }

  end(): void {
    if (this.#isHeld) this.#begun = Promise.withResolvers();
    this.#isHeld = false;
  }

  /** Resolves while it lasts. Rejects when `signal` aborts. */
  async held(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const abort = () => resolve();
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([this.#begun.promise, aborted]);
    signal.removeEventListener('abort', abort); // the signal lives as long as the process, and this is asked every few seconds
    signal.throwIfAborted();
  }
}
