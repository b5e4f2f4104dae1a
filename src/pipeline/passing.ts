import { needsPerson } from '../core/error-kind.ts';
import { type ErrorCode, PgveilError } from '../core/errors.ts';

/** Wrong at the first start, but a passing state (a password being rotated, slots of somebody's test) for a service that has run. */
export const PASSING_ONCE_RUN: ReadonlySet<ErrorCode> = new Set([
  'credentials_refused',
  'database_missing',
  'tls_failed',
  'lake_rights',
  'kafka_rights',
  'registry_rights',
  'no_free_slot',
  'no_free_sender',
]);

/** Whether what failed may be back by itself. `hasRun`: whether it ever worked. That another instance has taken over is no such thing. */
export function isPassing(error: unknown, hasRun: boolean): error is PgveilError {
  if (!isOfNoTable(error)) return false;
  return error.kind.recovery === 'reopen' || (hasRun && PASSING_ONCE_RUN.has(error.code));
}

/**
 * Whether this is the trouble of one sink, without which the others go on: it is away, or waits for a person. `hasRun`: whether the pipeline
 * ever worked; before, whoever starts it is there to mend it.
 */
export function isOfOneSink(error: unknown, hasRun: boolean): error is PgveilError {
  if (!isOfNoTable(error) || error.sink === null) return false;
  return (hasRun && needsPerson(error.kind)) || isPassing(error, hasRun);
}

/** Nor `fenced`: whichever sink met it, another instance has the whole pipeline, and without that sink the rest would go on beside it. */
function isOfNoTable(error: unknown): error is PgveilError {
  return error instanceof PgveilError && error.table === null && error.code !== 'fenced';
}
