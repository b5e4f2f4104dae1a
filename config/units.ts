/** Powers of two, spelled as Postgres spells them. */
const BYTES: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['kB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
  ['TB', 1024 ** 4],
]);

const MILLISECONDS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['second', 1000],
  ['seconds', 1000],
  ['min', 60_000],
  ['minute', 60_000],
  ['minutes', 60_000],
  ['h', 3_600_000],
  ['hour', 3_600_000],
  ['hours', 3_600_000],
  ['d', 86_400_000],
  ['day', 86_400_000],
  ['days', 86_400_000],
]);

/** `256MB` or `1 GB` in bytes; undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, BYTES);
}

/** `10s`, `5 minutes` or `250ms` in milliseconds; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, MILLISECONDS);
}

/** A whole number and its unit. A bare number is refused: whoever wrote it may have meant any of the units. */
function parseQuantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, digits, unit] = /^(\d+) ?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = units.get(unit ?? '');
  if (factor === undefined) return undefined;
  const quantity = Number(digits) * factor;
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}
