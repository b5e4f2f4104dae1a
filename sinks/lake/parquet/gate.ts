/** So many at once, */
const MOST = 2;
/** and with no more memory than this, or one alone. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Lets work in, in its order, as long as its memory is small beside that of what is there. */
export class Gate {
  /** Of all that is in. */
  bytes = 0;
  #count = 0;
  #last: Promise<void> = Promise.resolve();
  #left = Promise.withResolvers<void>();

  /** Resolves when it is in. Whoever entered has to leave. */
  async enter(bytes: number): Promise<void> {
    const before = this.#last;
    this.#last = before.then(() => this.#wait(bytes));
    await this.#last;
  }

  leave(bytes: number): void {
    this.#count--;
    this.bytes -= bytes;
    this.#left.resolve();
    this.#left = Promise.withResolvers();
  }

  async #wait(bytes: number): Promise<void> {
    while (this.#count === MOST || (this.#count > 0 && this.bytes + bytes > MOST_BYTES)) await this.#left.promise;
    this.#count++;
    this.bytes += bytes;
  }
}
