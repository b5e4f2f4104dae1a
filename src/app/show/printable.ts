/** Names of tables may hold anything, a terminal's control sequences and direction marks too: those become visible. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Characters that take two columns of a terminal; `Emoji_Presentation` and the East Asian blocks are close enough. */
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;

/** Characters that take none: they stand over the one before. */
const COMBINING = /\p{M}/u;

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

/** What to do, below what is wrong; further lines, mostly of SQL, stand under the first. */
export function fixLines(fix: string, indent = 2): string {
  const lines = fix.split('\n').map(printable);
  return `${' '.repeat(indent)}fix: ${lines.join(`\n${' '.repeat(indent + 5)}`)}`;
}

/** Columns that a printable text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** Exactly `width` columns: filled up with spaces, or cut with an ellipsis. */
export function fit(text: string, width: number): string {
  const missing = width - widthOf(text);
  if (missing >= 0) return text + ' '.repeat(missing);
  let kept = '';
  let used = 0;
  for (const character of text) {
    if (used + columnsOf(character) > width - 1) break;
    kept += character;
    used += columnsOf(character);
  }
  return `${kept}…${' '.repeat(width - used - 1)}`;
}

function columnsOf(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
