import type { DuckDBConnection } from '@duckdb/node-api';
import type { DeltaType } from '../columns/column-type.ts';
import { OUR_FIELDS } from '../columns/lake-table.ts';
import { identifier } from './duck.ts';

/** As Delta does by itself: of a wide table only so many of the first columns, and always ours. */
const INDEXED_COLUMNS = 32;
/** Of a text so many characters count. */
const PREFIX = 32;
/** Behind a text that was cut it is greater than whatever was cut off. */
const GREATEST = '\u{10FFFF}';

/** A column of a file, as Delta's schema has it. */
interface Described {
  readonly name: string;
  readonly type: DeltaType;
}

/** SQL that gives least and greatest value as JSON; null for both where the type has no order that all readers share. */
type Bounds = (column: string) => readonly [string, string] | null;

/**
 * Statistics of all rows in `relation`, as `add` has them: readers leave a file out by them, so each bound holds whatever a reader makes
 * of it. Texts are cut, and times, which some readers know in milliseconds, are rounded outwards.
 */
export async function readStats(
  connection: DuckDBConnection,
  relation: string,
  fields: readonly Described[],
): Promise<string> {
  const indexed = fields.filter((_, i) => i <= INDEXED_COLUMNS || i >= fields.length - OUR_FIELDS);
  const asked = indexed.flatMap(({ name, type }) => {
    const column = identifier(name);
    const [least, greatest] = boundsOf(type)(column) ?? ['NULL', 'NULL'];
    return [`count(*) - count(${column})`, least, greatest].map((sql) => `CAST(${sql} AS VARCHAR)`);
  });
  const reader = await connection.runAndReadAll(
    `SELECT CAST(count(*) AS VARCHAR), ${asked.join(', ')} FROM ${relation}`,
  );
  const [records, ...found] = reader.getRows()[0] as (string | null)[];
  const member = (offset: number) =>
    indexed.flatMap(({ name }, i) => {
      const value = found[3 * i + offset];
      return value === null ? [] : [`${JSON.stringify(name)}:${value}`];
    });
  return `{"numRecords":${records},"minValues":{${member(1)}},"maxValues":{${member(2)}},"nullCount":{${member(0)}}}`;
}

function boundsOf(type: unknown): Bounds {
  if (typeof type !== 'string') return () => null;
  if (type.startsWith('decimal')) return numbers;
  return BOUNDS.get(type) ?? (() => null);
}

const numbers: Bounds = (column) => [`min(${column})`, `max(${column})`];
/** JSON has neither NaN nor infinities. */
const finite: Bounds = (column) => {
  const when = (bound: string) => `CASE WHEN bool_and(isfinite(${column})) THEN ${bound}(${column}) END`;
  return [when('min'), when('max')];
};
const dates: Bounds = (column) => [`to_json(min(${column}))`, `to_json(max(${column}))`];

const times =
  (zone: string): Bounds =>
  (column) => {
    const [least, greatest] = [wholeMillis(`epoch_us(min(${column}))`), wholeMillis(`epoch_us(max(${column})) + 999`)];
    const text = (time: string) => `to_json(strftime(${time}, '%Y-%m-%dT%H:%M:%S.%g${zone}'))`;
    return [text(least), `CASE WHEN year(${greatest}) <= 9999 THEN ${text(greatest)} END`];
  };

/** The last full millisecond before so many microseconds, which may be negative. */
function wholeMillis(micros: string): string {
  return `make_timestamp((${micros}) - ((${micros}) % 1000 + 1000) % 1000)`;
}

const texts: Bounds = (column) => {
  const cut = `CASE WHEN length(max(${column})) > ${PREFIX} THEN left(max(${column}), ${PREFIX}) || '${GREATEST}' ELSE max(${column}) END`;
  return [`to_json(left(min(${column}), ${PREFIX}))`, `CASE WHEN ${cut} >= max(${column}) THEN to_json(${cut}) END`];
};

const BOUNDS: ReadonlyMap<string, Bounds> = new Map([
  ['short', numbers],
  ['integer', numbers],
  ['long', numbers],
  ['float', finite],
  ['double', finite],
  ['date', dates],
  ['timestamp', times('Z')],
  ['timestamp_ntz', times('')],
  ['string', texts],
]);
