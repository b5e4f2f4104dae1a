/** A terminal, or what stands in for it. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Where results go: standard output, or what stands in for it. */
export interface Output extends Terminal {
  readonly isTTY?: boolean;
  /** Whether the terminal has colours, and nobody said NO_COLOR. */
  hasColors?(): boolean;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export const HIDE_CURSOR = '\x1b[?25l';
export const SHOW_CURSOR = '\x1b[?25h';
export const ERASE_LINE_END = '\x1b[K';
export const ERASE_BELOW = '\x1b[J';
/** Terminals that know these show the frame at once; others ignore them. */
export const FRAME_BEGIN = '\x1b[?2026h';
export const FRAME_END = '\x1b[?2026l';

/**
 * Lines at the bottom of a terminal that are redrawn in place, with ordinary output running above them. A frame is one
 * write that overwrites the one before without clearing it first: nothing flickers.
 */
export class Screen {
  readonly #terminal: Terminal;
  #drawn = 0;
  #last = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get width(): number {
    return this.#terminal.columns ?? 80;
  }

  get height(): number {
    return this.#terminal.rows ?? 24;
  }

  /** Puts `lines` in the place of those drawn before. No line may be as wide as the terminal, or it would wrap. */
  draw(lines: readonly string[]): void {
    const frame = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('');
    if (frame === this.#last) return;
    this.#terminal.write(`${FRAME_BEGIN}${HIDE_CURSOR}${this.#up()}${frame}${ERASE_BELOW}${FRAME_END}`);
    this.#drawn = lines.length;
    this.#last = frame;
  }

  /** Writes ordinary output above the drawn lines: one line or several, of any width. */
  print(text: string): void {
    this.#terminal.write(`${FRAME_BEGIN}${this.#up()}${ERASE_BELOW}${text}\n${this.#last}${FRAME_END}`);
  }

  /** Takes the drawn lines away and gives the cursor back. Safe to call twice. */
  close(): void {
    if (this.#drawn === 0) return;
    this.#terminal.write(`${this.#up()}${ERASE_BELOW}${SHOW_CURSOR}`);
    this.#drawn = 0;
    this.#last = '';
  }

  #up(): string {
    return this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\r`;
  }
}
