import { findErrorBy, protocolErrors } from '@platformatic/kafka';
import { type ErrorCode, PgveilError } from '../../src/core/errors.ts';

/** What a broker said (`NOT_COORDINATOR`), or `NETWORK` where nothing was heard, or `UNKNOWN`. */
export function codeOf(thrown: unknown): string {
  const error = thrown as Error;
  for (const id of Object.keys(protocolErrors)) if (findErrorBy(error, 'apiId', id)) return id;
  const isSilence = ['PLT_KFK_NETWORK', 'PLT_KFK_TIMEOUT'].some((code) => findErrorBy(error, 'code', code));
  return isSilence ? 'NETWORK' : 'UNKNOWN';
}

/** A newer instance has the transactional id: whatever this one still sends is refused. */
export const FENCED: readonly string[] = ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_TXN_STATE'];

const RIGHTS: readonly string[] = [
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
];

/** What the client threw, as an error of ours that holds no value: nothing is told but the code. */
export function trouble(thrown: unknown): PgveilError {
  return thrown instanceof PgveilError ? thrown : troubleOf(codeOf(thrown));
}

/** The same of a code that `codeOf` gave. */
export function troubleOf(code: string): PgveilError {
  return new PgveilError(ourCode(code), code === 'NETWORK' ? 'no answer' : code);
}

function ourCode(code: string): ErrorCode {
  if (FENCED.includes(code)) return 'fenced';
  if (RIGHTS.includes(code)) return 'kafka_rights';
  return code === 'NETWORK' || protocolErrors[code]?.canRetry ? 'kafka_away' : 'kafka_failed';
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
