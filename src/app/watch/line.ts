import { styleText } from 'node:util';
import { fit, printable, widthOf } from '../show/printable.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** A piece of a line. Its style takes no room. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

export type Line = readonly Span[];

/** Whatever a name holds, what comes out is printable. */
export function span(text: string, style?: Style): Span {
  const shown = printable(text);
  return style ? { text: shown, style } : { text: shown };
}

export function widthOfLine(line: Line): number {
  return line.reduce((width, { text }) => width + widthOf(text), 0);
}

/** At most `width` columns: what is too long ends with an ellipsis. */
export function cutLine(line: Line, width: number): Line {
  const cut: Span[] = [];
  let left = width;
  for (const piece of line) {
    const needs = widthOf(piece.text);
    if (needs > left) return left > 0 ? [...cut, { ...piece, text: fit(piece.text, left) }] : cut;
    cut.push(piece);
    left -= needs;
  }
  return cut;
}

/** What a terminal is sent. Without colour nothing but the text. */
export function render(line: Line, isColoured: boolean): string {
  const text = line.map(({ text, style }) =>
    style && isColoured && text.trim() !== '' ? styleText(style, text, { validateStream: false }) : text,
  );
  return isColoured ? text.join('') : text.join('').trimEnd();
}

/** A text in lines of at most `width` columns, broken between words where it can be. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = widthOf(word) <= width ? word : fit(word, width);
  }
  return [...lines, line];
}
