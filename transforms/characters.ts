// Characters are Unicode code points, as Postgres counts them; a JavaScript string counts those beyond U+FFFF twice. Long
// values are never split into an array of characters: that would take a hundred times their size.

const SURROGATES = /[\ud800-\udfff]/;
const BLANK = 0x20;

export function countCharacters(text: string): number {
  // Nearly always; and on a text of one byte a character the engine knows the answer without looking.
  if (!SURROGATES.test(text)) return text.length;
  let count = text.length;
  for (let index = 1; index < text.length; index++) {
    if (isSecondHalf(text, index)) count--;
  }
  return count;
}

/** The first `count` characters; all of them where there are no more. */
export function firstCharacters(text: string, count: number): string {
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken++) end += isSecondHalf(text, end + 1) ? 2 : 1;
  return text.slice(0, end);
}

/** The last `count` characters; all of them where there are no more. */
export function lastCharacters(text: string, count: number): string {
  let start = text.length;
  for (let taken = 0; taken < count && start > 0; taken++) start -= isSecondHalf(text, start - 1) ? 2 : 1;
  return text.slice(start);
}

/** Without the blanks at its end. Not by a regular expression: that would look at each run of blanks as if it were the last. */
export function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === BLANK) end--;
  return text.slice(0, end);
}

function isSecondHalf(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
}
