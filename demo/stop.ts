const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const CTRL_C = '\x03';

/** Turns the ways of ending the demo into one AbortSignal. The second one ends it at once; reapers then clean up behind it. */
export class Stop implements Disposable {
  readonly #abort = new AbortController();
  readonly #stop = () => {
    if (this.#abort.signal.aborted) process.exit(130);
    this.#abort.abort();
  };
  readonly #key = (key: Buffer) => {
    if ([CTRL_C, 'q'].includes(key.toString())) this.#stop();
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#stop);
    process.stdout.on('error', this.#stop); // whoever read it is gone, as `head` is after ten lines
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Takes Ctrl-C and q as keys, until disposed of. As a signal Ctrl-C would reach the servers at the same moment, and
   * anything else that is typed would show up in the midst of the view.
   */
  listenToKeys(): Disposable {
    const { stdin } = process;
    if (!stdin.isTTY) return { [Symbol.dispose]() {} };
    stdin.setRawMode(true).on('data', this.#key).resume();
    return {
      [Symbol.dispose]: () => void stdin.off('data', this.#key).setRawMode(false).pause(),
    };
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#stop);
  }
}
