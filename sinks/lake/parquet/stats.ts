import { microsOf, secondsOf } from '../columns/calendar.ts';
import type { DeltaType } from '../columns/column-type.ts';
import { OUR_FIELDS } from '../columns/lake-table.ts';

/** As Delta does by itself: of a wide table only so many of the first columns, and always ours. */
const INDEXED_COLUMNS = 32;
/** Of a text so many characters count. */
const PREFIX = 32;
/** Behind a text that was cut it is greater than whatever was cut off. */
const GREATEST = '\u{10FFFF}';

/** What DuckDB tells of a file that it wrote with RETURN_STATS. */
export interface WrittenFile {
  readonly file_size_bytes: string;
  readonly column_statistics: ColumnStatistics;
}

/** A column of a file, as Delta's schema has it. */
interface Described {
  readonly name: string;
  readonly type: DeltaType;
}

/** What DuckDB tells of the columns of a file that it wrote (RETURN_STATS): by name as an SQL identifier, and then by kind. */
type ColumnStatistics = readonly Pair<readonly Pair<string>[]>[];

interface Pair<T> {
  readonly key: string;
  readonly value: T;
}

/** Least and greatest value as JSON, from DuckDB's text; undefined where no bound can be told that holds for all readers. */
type Bounds = readonly [least: string | undefined, greatest: string | undefined];

/**
 * Statistics of a file, as `add` has them: readers leave a file out by them, so each bound holds whatever a reader makes of it. Texts are
 * cut, and times, which some readers know in milliseconds, are rounded outwards. `nulls`: how many there are, by field.
 */
export function statsJson(
  fields: readonly Described[],
  records: number,
  nulls: readonly number[],
  found: ColumnStatistics,
): string {
  const known = new Map(found.map(({ key, value }) => [key, new Map(value.map((pair) => [pair.key, pair.value]))]));
  const [least, greatest, missing]: [string[], string[], string[]] = [[], [], []];
  for (const [i, { name, type }] of fields.entries()) {
    if (i > INDEXED_COLUMNS && i < fields.length - OUR_FIELDS) continue;
    const [min, max] = boundsOf(type, known.get(`"${name.replaceAll('"', '""')}"`) ?? new Map());
    const member = (value: string | number) => `${JSON.stringify(name)}:${value}`;
    if (min !== undefined) least.push(member(min));
    if (max !== undefined) greatest.push(member(max));
    missing.push(member(nulls[i]!));
  }
  return `{"numRecords":${records},"minValues":{${least}},"maxValues":{${greatest}},"nullCount":{${missing}}}`;
}

function boundsOf(type: DeltaType, found: ReadonlyMap<string, string>): Bounds {
  const [min, max] = [found.get('min'), found.get('max')];
  if (typeof type !== 'string' || min === undefined || max === undefined) return [undefined, undefined];
  switch (type) {
    case 'short':
    case 'integer':
    case 'long':
      return [min, max];
    case 'float':
    case 'double':
      return found.get('has_nan') === 'false' && isJson(min) && isJson(max) ? [min, max] : [undefined, undefined];
    case 'date':
      return [JSON.stringify(min), JSON.stringify(max)];
    case 'timestamp':
      return [time(min, 0, 'Z'), time(max, 999, 'Z')];
    case 'timestamp_ntz':
      return [time(min, 0, ''), time(max, 999, '')];
    case 'string':
      return [JSON.stringify(prefix(min)), greatestText(max)];
    default:
      return type.startsWith('decimal') ? [min, max] : [undefined, undefined]; // booleans and bytes have none
  }
}

/** JSON has no infinities. */
function isJson(number: string): boolean {
  return Number.isFinite(Number(number));
}

/** A time in whole milliseconds, the last before it, or with 999 microseconds more the first behind. */
function time(text: string, more: number, zone: string): string | undefined {
  const bytes = Buffer.from(text);
  const seconds = secondsOf(bytes, 0, bytes.length);
  const millis = Math.floor((microsOf(bytes, 0, bytes.length) + more) / 1000);
  const shown = new Date(seconds * 1000 + millis).toISOString();
  return shown.length === '0001-01-01T00:00:00.000Z'.length ? JSON.stringify(shown.replace('Z', zone)) : undefined;
}

function prefix(text: string): string {
  return [...text.slice(0, 2 * PREFIX)].slice(0, PREFIX).join('');
}

function greatestText(text: string): string | undefined {
  const cut = prefix(text);
  if (cut.length === text.length) return JSON.stringify(text);
  const bound = cut + GREATEST;
  return Buffer.compare(Buffer.from(bound), Buffer.from(text)) >= 0 ? JSON.stringify(bound) : undefined;
}
