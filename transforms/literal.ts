import type { ColumnType } from '../src/core/table.ts';
import { formatFloat, parseDecimal, roundDecimal, significantDigits } from './decimal.ts';
import { numberType } from './number-type.ts';
import { fits, isText, textLimit } from './text-type.ts';

const BOOLEANS = new Map([
  ['t', 't'],
  ['true', 't'],
  ['f', 'f'],
  ['false', 'f'],
]);

/** By oid: what a text means as a value of the type, as Postgres writes it; null where it means none. */
const PARSERS = new Map<number, (text: string) => string | null>([
  [16, (text) => BOOLEANS.get(text.toLowerCase()) ?? null],
  [1082, date],
  [1114, timestamp],
  [1184, timestampWithZone],
  [2950, uuid],
]);

/**
 * A constant of the configuration as Postgres would write it in a column of this type; null where it is no value of the type,
 * or where that cannot be told from here. Other sinks than the twin take it as it stands, hence the one spelling.
 */
export function literal(type: ColumnType, text: string): string | null {
  const parse = PARSERS.get(type.oid);
  if (parse) return parse(text);
  return isText(type) ? textLiteral(type, text) : numberLiteral(type, text);
}

function textLiteral(type: ColumnType, text: string): string | null {
  const limit = textLimit(type);
  return text.includes('\0') || (limit && !fits(text, limit)) ? null : text;
}

function numberLiteral(type: ColumnType, text: string): string | null {
  const number = numberType(type);
  const exact = parseDecimal(text);
  if (!number || !exact) return null;
  const kept = number.scale === null ? exact : roundDecimal(exact, number.scale);
  // A number that the column would round is not the one that was asked for.
  const isExact = formatFloat(kept, 0) === formatFloat(exact, 0) && significantDigits(exact) <= number.exactDigits;
  return isExact ? number.format(kept, Math.max(exact.scale, 0)) : null;
}

function date(text: string): string | null {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined || year === '0000') return null;
  const instant = new Date(`${text}T00:00:00Z`);
  // An impossible day (February 30) is moved on by Date instead of being refused.
  return instant.getUTCMonth() + 1 === Number(month) && instant.getUTCDate() === Number(day) ? text : null;
}

function timestamp(text: string): string | null {
  const [, day, clock, fraction = ''] = /^(\S{10})(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?)?$/.exec(text) ?? [];
  if (day === undefined || date(day) === null) return null;
  if (clock !== undefined && !/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/.test(clock)) return null;
  const decimals = fraction.replace(/0+$/, '');
  return `${day} ${clock ?? '00:00:00'}${decimals && `.${decimals}`}`;
}

/** In UTC only (`Z`, `+00` or nothing): the zone that every session of pgveil is in. */
function timestampWithZone(text: string): string | null {
  const local = timestamp(text.replace(/(Z|\+00(:00)?)$/, ''));
  return local && `${local}+00`;
}

function uuid(text: string): string | null {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : null;
}
