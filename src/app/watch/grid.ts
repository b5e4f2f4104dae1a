import { fit, widthOf } from '../show/printable.ts';
import { type Line, type Span, span } from './line.ts';

export interface Column {
  readonly title: string;
  /** Figures stand on the right. */
  readonly isFigure?: boolean;
}

const GAP = 2;
/** A name is cut to no less while there is something else to cut. */
const NAME = 24;
/** What is left of anything that is cut: enough to make something out. */
const LEAST = 8;

/** Titles and rows, aligned and no wider than `width` where that can be. Where there is no room, the first column is cut, a name, and the last. */
export function grid(columns: readonly Column[], rows: readonly (readonly Span[])[], width: number): Line[] {
  const titles = columns.map(({ title }) => span(title, 'dim'));
  const widths = columns.map((_, at) => Math.max(...[titles, ...rows].map((row) => widthOf(row[at]!.text))));
  let missing = 1 + widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  for (const [at, least] of [
    [0, NAME],
    [widths.length - 1, LEAST],
    [0, LEAST],
  ] as const) {
    const given = Math.min(Math.max(0, missing), Math.max(0, widths[at]! - least));
    widths[at]! -= given;
    missing -= given;
  }
  return [titles, ...rows].map((row) => [span(' '), ...row.flatMap((cell, at) => placed(cell, columns, widths, at))]);
}

function placed(cell: Span, columns: readonly Column[], widths: readonly number[], at: number): Span[] {
  const width = widths[at]!;
  const missing = Math.max(0, width - widthOf(cell.text));
  const text = columns[at]!.isFigure ? ' '.repeat(missing) + cell.text : fit(cell.text, width);
  const gap = at === columns.length - 1 ? [] : [span(' '.repeat(GAP))];
  return [{ ...cell, text }, ...gap];
}
