import { type ErrorCode, PgveilError } from '../core/errors.ts';
import { DEADLOCK_DETECTED, INSUFFICIENT_PRIVILEGE, LOCK_NOT_AVAILABLE } from './sql-state.ts';

/** What a database said: a PgveilError that still knows the SQLSTATE, for the few places that have an answer to one. */
class PostgresError extends PgveilError {
  readonly sqlState: string;

  constructor(code: ErrorCode, message: string, state: string) {
    super(code, message);
    this.sqlState = state;
  }
}

/** Which database an error came from: their codes differ, since what to do differs. */
export type Side = 'source' | 'twin';

/** Node's names of failed system calls (EPIPE) look alike. */
const SQLSTATE = /^(?!E[A-Z]{4}$)[0-9A-Z]{5}$/;

/** Classes of SQLSTATE whose messages speak of objects and settings, never of a row. Any other message stays here. */
const SPEAKS_OF_NO_VALUE = /^(0A|25|28|2B|3D|3F|42|53|54|55|57|58|72)/;

/** What no text or message of the server's may be: 1 GB. These words, alone, hold a number; they are in English whatever the server speaks. */
const TOO_LARGE = /^(?:(?:source: )?SQLSTATE XX000: )?invalid memory alloc request size \d+$/;

interface DriverError {
  readonly code?: string;
  readonly message?: string;
  readonly table?: string;
  readonly constraint?: string;
}

/** Who speaks. A sink is named by its configured name, which nothing here knows (`ofSink` in src/core/errors.ts). */
const SPEAKERS: Record<Side, string> = { source: 'source: ', twin: '' };

/**
 * What a driver threw, as an error of ours that holds no value: `detail` ("Key (email)=(…)"), `where` and, outside the classes
 * above, the message are left behind, and the original is not kept as `cause`.
 */
export function trouble(side: Side, thrown: unknown): PgveilError {
  if (thrown instanceof PgveilError) return thrown;
  const error = thrown as DriverError;
  const state = error.code ?? '';
  const code = codeOf(side, state, error.message ?? '');
  return new PostgresError(code, SPEAKERS[side] + describe(state, error), state);
}

/** The SQLSTATE of what a driver threw, also after `trouble`; '' where it is no error of the server. */
export function sqlState(thrown: unknown): string {
  if (thrown instanceof PostgresError) return sqlState({ code: thrown.sqlState });
  const code = (thrown as DriverError | null)?.code ?? '';
  return SQLSTATE.test(code) ? code : '';
}

/** Whether a row, or a value of it, is larger than the server can make a text of; also after `trouble`. */
export function isTooLarge(thrown: unknown): boolean {
  const state = sqlState(thrown);
  return state === '54000' || (state === 'XX000' && TOO_LARGE.test((thrown as Error).message));
}

const QUERY_CANCELED = '57014';

/** The lock was not free in time, somebody cancelled the statement, or it was in a deadlock. */
const PASSING = [LOCK_NOT_AVAILABLE, QUERY_CANCELED, DEADLOCK_DETECTED];

/** Whether what a driver threw passes by itself and says nothing of the connection: the same statement may be sent again. */
export function isPassing(thrown: unknown): boolean {
  return PASSING.includes(sqlState(thrown));
}

function codeOf(side: Side, state: string, message: string): ErrorCode {
  // 57P05 is the end of a session that was idle for too long, and of no more.
  if (/^(57P0[1-4]|53300)/.test(state) && side === 'source') return 'source_closing';
  if (isTls(state, message)) return 'tls_failed';
  if (/^(08|57P0|53300|E[A-Z_]+$)/.test(state)) return `${side}_away`;
  if (state.startsWith('28')) return 'credentials_refused';
  if (state === '3D000') return 'database_missing';
  if (state === INSUFFICIENT_PRIVILEGE) return `${side}_rights`;
  // What pg throws itself has no code: a connection that ended, or that was not made in time.
  return state === '' ? `${side}_away` : `${side}_failed`;
}

function isTls(state: string, message: string): boolean {
  return (
    /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_|SELF_|UNABLE_TO_)/.test(state) || /does not support SSL/.test(message)
  );
}

function describe(state: string, error: DriverError): string {
  if (!SQLSTATE.test(state)) return state || 'the connection ended';
  const about = [error.table && `table ${error.table}`, error.constraint && `constraint ${error.constraint}`];
  const isTold = (SPEAKS_OF_NO_VALUE.test(state) && state !== '42601') || isTooLarge(error);
  const said = isTold ? `: ${error.message}` : '';
  return [`SQLSTATE ${state}${said}`, ...about.filter(Boolean)].join(', ');
}
