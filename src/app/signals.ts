const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Less than the ten seconds after which a service manager gets impatient. */
const DEADLINE_MS = 9_000;

/** Turns SIGTERM and SIGINT into an AbortSignal, and back into Node's own handling when disposed of. */
export class Signals implements Disposable {
  readonly #abort = new AbortController();
  readonly #exitCode: number;
  readonly #handler = () => this.#received();

  /** `exitCode` is that of a process that was asked to end and did not get ready in time. */
  constructor(exitCode: number) {
    this.#exitCode = exitCode;
    for (const signal of SIGNALS) process.on(signal, this.#handler);
  }

  /** Aborts at the first signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#handler);
  }

  #received(): void {
    // The second one: whoever sends it does not want to wait. What is not durable is rolled back and read again.
    if (this.#abort.signal.aborted) process.exit(1);
    setTimeout(() => process.exit(this.#exitCode), DEADLINE_MS).unref();
    this.#abort.abort();
  }
}
