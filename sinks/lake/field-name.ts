/** What Delta (` ,;{}()\n\t=`), Parquet's readers (dots, backquotes, control characters) or our own encoding (%) refuse in a name. */
const REFUSED = /[\s,;{}()=.`%\p{Cc}]/gu;
const CASED = /\p{L}|\p{N}|\p{S}|\p{M}/gu;

/**
 * Names of the columns in the lake, in the same order, no two of which differ in case alone. What a reader refuses is percent-encoded;
 * of names that differ in case alone the capitals are. `taken` are names that others have already, in lower case.
 */
export function fieldNames(columns: readonly string[], taken: readonly string[]): string[] {
  const times = new Map(taken.map((name) => [name, 1]));
  for (const column of columns) times.set(folded(column), (times.get(folded(column)) ?? 0) + 1);
  return columns.map((column) => {
    const name = column.replace(REFUSED, percent);
    return times.get(folded(column)) === 1
      ? name
      : name.replace(CASED, (letter) => (letter === folded(letter) ? letter : percent(letter)));
  });
}

/** A part of a path: letters, digits, `-` and `_` as they are, dots unless one is the first, and all else percent-encoded. */
export function pathPart(name: string): string {
  return name.replace(/[^\w.-]/gu, percent).replace(/^\./, '%2E');
}

function folded(text: string): string {
  return text.toLowerCase();
}

function percent(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
