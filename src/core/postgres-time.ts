/** 2000-01-01 UTC, where Postgres's clock starts, in ms of Unix time. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

/** Milliseconds since 1970 of what Postgres gives in microseconds since 2000. */
export function unixMs(postgresMicros: bigint): number {
  return POSTGRES_EPOCH_MS + Number(postgresMicros / 1000n);
}

/** The other way. */
export function postgresMicros(unixMs: number): bigint {
  return BigInt(unixMs - POSTGRES_EPOCH_MS) * 1000n;
}
