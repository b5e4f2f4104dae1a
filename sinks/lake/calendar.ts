const SECONDS_A_DAY = 86_400;
/** 2000-01-01, from which Postgres counts, in days since 1970. */
const POSTGRES_EPOCH_DAYS = 10_957;

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/;

/**
 * Postgres's text of a date under DateStyle ISO, in days since 1970. Undefined for `infinity`, for years before 1 and after 9999, which
 * Delta's readers do not have in common, and for what is no date.
 */
export function dateOf(text: string): number | undefined {
  const parts = DATE.exec(text);
  return parts ? daysOf(Number(parts[1]), Number(parts[2]), Number(parts[3])) : undefined;
}

/** Postgres's text of a timestamp, with a zone in UTC or without one, in microseconds since 1970; undefined as for `dateOf`. */
export function timestampOf(text: string): bigint | undefined {
  const parts = TIMESTAMP.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ''] = parts;
  const days = daysOf(Number(year), Number(month), Number(day));
  if (days === undefined) return undefined;
  const seconds = days * SECONDS_A_DAY + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

/** From microseconds since 2000, as pgoutput counts, to those since 1970. */
export function unixMicros(postgresMicros: bigint): bigint {
  return postgresMicros + BigInt(POSTGRES_EPOCH_DAYS * SECONDS_A_DAY) * 1_000_000n;
}

/** The day in UTC, `2026-11-21`, of microseconds since 1970. */
export function dayOf(micros: bigint): string {
  return new Date(Number(micros / 1000n)).toISOString().slice(0, 10);
}

function daysOf(year: number, month: number, day: number): number | undefined {
  if (year === 0) return undefined;
  // Date.UTC would take the years 0 to 99 for those of the last century.
  return new Date(0).setUTCFullYear(year, month - 1, day) / (SECONDS_A_DAY * 1000);
}
