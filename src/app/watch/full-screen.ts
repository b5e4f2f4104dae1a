import {
  ERASE_BELOW,
  ERASE_LINE_END,
  FRAME_BEGIN,
  FRAME_END,
  HIDE_CURSOR,
  type Output,
  SHOW_CURSOR,
} from '../show/screen.ts';
import { type Line, render } from './line.ts';

/** The alternate screen: what stood on the terminal before is there again when it is left. */
const ENTER = '\x1b[?1049h';
const LEAVE = '\x1b[?1049l';
const HOME = '\x1b[H';

/** A terminal that is filled from top to bottom until it is disposed of, also by `process.exit`. */
export class FullScreen implements Disposable {
  readonly #terminal: Output;
  readonly #leave = () => this.#close();
  #isOpen = true;

  constructor(terminal: Output) {
    this.#terminal = terminal;
    terminal.write(`${ENTER}${HIDE_CURSOR}`);
    process.once('exit', this.#leave);
  }

  get columns(): number {
    return this.#terminal.columns ?? 80;
  }

  get rows(): number {
    return this.#terminal.rows ?? 24;
  }

  /** In one write over what is there, so that nothing flickers. What was typed in between is overwritten. */
  draw(lines: readonly Line[]): void {
    if (!this.#isOpen) return;
    const isColoured = this.#terminal.hasColors?.() ?? false;
    const text = lines.map((line) => `${render(line, isColoured)}${ERASE_LINE_END}`).join('\n');
    this.#terminal.write(`${FRAME_BEGIN}${HOME}${text}${ERASE_BELOW}${FRAME_END}`);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#leave);
    this.#close();
  }

  #close(): void {
    if (this.#isOpen) this.#terminal.write(`${SHOW_CURSOR}${LEAVE}`);
    this.#isOpen = false;
  }
}
