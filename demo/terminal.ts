/** What is written to: process.stdout, or a test's stand-in. */
export interface Output {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const ERASE_LINE_END = '\x1b[K';
/** Terminals that know these show a frame at once; others ignore them. */
const FRAME_BEGIN = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';

/**
 * The alternate screen, so that what was on the terminal is there again afterwards. A frame overwrites the one before, line by
 * line and in one write, and clears nothing first: nothing flickers.
 */
export class Terminal implements Disposable {
  readonly #output: Output;
  readonly #leave = () => void this.#output.write(LEAVE);
  #last = '';

  constructor(output: Output) {
    this.#output = output;
    output.write(ENTER);
    // process.exit() comes past here too: no terminal is left without its cursor.
    process.once('exit', this.#leave);
  }

  get columns(): number {
    return this.#output.columns ?? 80;
  }

  get rows(): number {
    return this.#output.rows ?? 24;
  }

  /** No line may be wider than the terminal. Lines beyond its height are left out. */
  draw(lines: readonly string[]): void {
    const all = Array.from({ length: this.rows }, (_, at) => `${lines[at] ?? ''}${ERASE_LINE_END}`);
    const frame = all.join('\r\n');
    if (frame === this.#last) return;
    this.#last = frame;
    this.#output.write(`${FRAME_BEGIN}${HOME}${frame}${FRAME_END}`);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#leave);
    this.#leave();
  }
}
