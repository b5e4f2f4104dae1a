import { protocolErrors } from '@platformatic/kafka';
import { type ErrorCode, PgveilError } from '../../../src/core/errors.ts';

/** What a broker said (`NOT_COORDINATOR`), or `TLS` or `NETWORK` where it said nothing, or `UNKNOWN`. */
export function codeOf(thrown: unknown): string {
  const all = [...chain(thrown)];
  const said = all.map(({ apiId }) => apiId).filter((id) => id !== undefined && id !== 'OPERATION_NOT_ATTEMPTED');
  if (said.length > 0) return said[0]!;
  const codes = all.map(({ code }) => code ?? '');
  if (codes.some((code) => TLS_CODES.test(code)) || all.some(({ message }) => TLS_WORDS.test(message ?? '')))
    return 'TLS';
  return codes.some((code) => SILENCE.includes(code)) ? 'NETWORK' : 'UNKNOWN';
}

interface Thrown {
  readonly code?: string;
  readonly apiId?: string;
  readonly message?: string;
  readonly cause?: Thrown;
  readonly errors?: readonly Thrown[];
}

const SILENCE = ['PLT_KFK_NETWORK', 'PLT_KFK_TIMEOUT'];
const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;
const TLS_WORDS = /^(TLS handshake failed|Broker requires TLS)/;

/** An error, what caused it, and what it is made of. */
function* chain(thrown: unknown): Iterable<Thrown> {
  if (typeof thrown !== 'object' || thrown === null) return;
  const error = thrown as Thrown;
  yield error;
  yield* chain(error.cause);
  for (const part of error.errors ?? []) yield* chain(part);
}

/** A newer instance has the transactional id: whatever this one still sends is refused. */
const FENCED: readonly string[] = ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_TXN_STATE'];

const CREDENTIALS: readonly string[] = ['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'TOKEN_REFUSED'];

const RIGHTS: readonly string[] = [
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
];

/** What the client threw, as an error of ours that holds no value: nothing is told but the code. */
export function trouble(thrown: unknown): PgveilError {
  return thrown instanceof PgveilError ? thrown : troubleOf(codeOf(thrown));
}

const WORDS: Readonly<Record<string, string>> = {
  NETWORK: 'no answer',
  TLS: 'no TLS with the broker',
  SASL_AUTHENTICATION_FAILED: 'the broker refused the credentials',
  TOKEN_REFUSED: 'the token endpoint refused the client',
  TOKEN_AWAY: 'the token endpoint gave no token',
  INVALID_TIMESTAMP: 'the broker refused the time of a message',
};
const LOGIN = 'Correct the sink’s `sasl`, or what the brokers and the token endpoint know of it.';
const CLOCK =
  'Set this machine’s clock, or the broker’s: they differ by more than `message.timestamp.after.max.ms` (an hour).';
const FIXES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(CREDENTIALS.map((code) => [code, LOGIN])),
  INVALID_TIMESTAMP: CLOCK,
};

/** The same of a code that `codeOf` gave. */
export function troubleOf(code: string): PgveilError {
  const fix = FIXES[code];
  return new PgveilError(ourCode(code), WORDS[code] ?? code, fix === undefined ? {} : { fix });
}

function ourCode(code: string): ErrorCode {
  if (FENCED.includes(code)) return 'fenced';
  if (CREDENTIALS.includes(code)) return 'credentials_refused';
  if (RIGHTS.includes(code)) return 'kafka_rights';
  if (code === 'INVALID_TRANSACTION_TIMEOUT') return 'kafka_unfit';
  if (code === 'TLS') return 'tls_failed';
  return ['NETWORK', 'TOKEN_AWAY'].includes(code) || protocolErrors[code]?.canRetry ? 'kafka_away' : 'kafka_failed';
}

/** Runs `work`; whatever it throws becomes an error of ours, but for a defect. */
export async function asTrouble<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isDefect = !(error instanceof PgveilError) && codeOf(error) === 'UNKNOWN';
    throw isDefect ? error : trouble(error);
  }
}
