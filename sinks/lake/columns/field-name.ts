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

/** What a folder, a URL, a pattern of file names or a reader of partitions would take for something else than a part of a name. */
const IN_A_PATH = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\%#?*[\]{}=:"<>|`^~]|^[. ]|[. ]$/gu;
/** Folders beside those of the schemas. */
const OWN_FOLDERS = /^_(?=(pgveil|unfinished)$)/;

/**
 * A part of a path. No more of it is percent-encoded than has to be, letters of any script and spaces not: of a table below a `%` deltalake
 * (1.6) cannot open the log, since it decodes the path once too often, and no spelling of a `%` comes through that.
 */
export function pathPart(name: string): string {
  return name.replace(IN_A_PATH, percent).replace(OWN_FOLDERS, percent);
}

function folded(text: string): string {
  return text.toLowerCase();
}

function percent(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
