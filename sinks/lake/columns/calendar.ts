const SECONDS_A_DAY = 86_400;
/** 2000-01-01, from which Postgres counts, in days since 1970. */
const POSTGRES_EPOCH_DAYS = 10_957;

const [MINUS, PLUS, POINT, COLON, SPACE, ZERO] = [0x2d, 0x2b, 0x2e, 0x3a, 0x20, 0x30];
/** `2026-11-21` and `2026-11-21 12:34:56`. */
const [DATE_LENGTH, TIME_LENGTH] = [10, 19];
const DAYS_BEFORE_MONTH = [0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];

/**
 * Postgres's text of a date under DateStyle ISO, in days since 1970. NaN for `infinity`, for years before 1 and after 9999, which
 * Delta's readers do not have in common, and for what is no date.
 */
export function dateOf(bytes: Buffer, start: number, end: number): number {
  return end - start === DATE_LENGTH ? daysAt(bytes, start) : Number.NaN;
}

/** Postgres's text of a timestamp, with a zone in UTC or without one, in whole seconds since 1970; NaN as for `dateOf`. */
export function secondsOf(bytes: Buffer, start: number, end: number): number {
  const time = start + DATE_LENGTH;
  if (zoneAt(bytes, end) - start < TIME_LENGTH || bytes[time] !== SPACE) return Number.NaN;
  if (bytes[time + 3] !== COLON || bytes[time + 6] !== COLON) return Number.NaN;
  const [hours, minutes, seconds] = [
    digits(bytes, time + 1, 2),
    digits(bytes, time + 4, 2),
    digits(bytes, time + 7, 2),
  ];
  return daysAt(bytes, start) * SECONDS_A_DAY + hours * 3600 + minutes * 60 + seconds;
}

/** What such a text has beyond its whole seconds, in microseconds; NaN where that is no fraction. */
export function microsOf(bytes: Buffer, start: number, end: number): number {
  const [point, zone] = [start + TIME_LENGTH, zoneAt(bytes, end)];
  if (point === zone) return 0;
  const count = zone - point - 1;
  if (bytes[point] !== POINT || count < 1 || count > 6) return Number.NaN;
  return digits(bytes, point + 1, count) * 10 ** (6 - count);
}

/** From microseconds since 2000, as pgoutput counts, to those since 1970. */
export function unixMicros(postgresMicros: bigint): bigint {
  return postgresMicros + BigInt(POSTGRES_EPOCH_DAYS * SECONDS_A_DAY) * 1_000_000n;
}

/** The day in UTC, `2026-11-21`, of microseconds since 1970. */
export function dayOf(micros: bigint): string {
  return new Date(Number(micros / 1000n)).toISOString().slice(0, 10);
}

/** Where `+00` begins, or the end. */
function zoneAt(bytes: Buffer, end: number): number {
  return bytes[end - 3] === PLUS && bytes[end - 2] === ZERO && bytes[end - 1] === ZERO ? end - 3 : end;
}

/** Of `2026-11-21` in the proleptic Gregorian calendar, whose year begins in March here: a leap day is its last. */
function daysAt(bytes: Buffer, start: number): number {
  if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS) return Number.NaN;
  const [year, month, day] = [digits(bytes, start, 4), digits(bytes, start + 5, 2), digits(bytes, start + 8, 2)];
  if (year === 0 || month === 0 || month > 12 || day === 0 || day > 31) return Number.NaN;
  const y = month > 2 ? year : year - 1;
  return (
    365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + DAYS_BEFORE_MONTH[month]! + day - 719_469
  );
}

/** NaN where one of so many bytes is none. */
function digits(bytes: Buffer, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = bytes[at]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
