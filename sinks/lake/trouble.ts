import { type ErrorCode, PgveilError } from '../../src/core/errors.ts';

interface StorageError {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const RIGHTS = ['EACCES', 'EPERM', 'EROFS'];
/** Of a folder: a disk that is full or gone may come back. */
const AWAY = ['ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'ENOTCONN'];

/** What a storage threw, as an error of ours. Neither name nor code holds a value; messages, which may name a bucket's owner, stay here. */
export function trouble(thrown: unknown): PgveilError {
  if (thrown instanceof PgveilError) return thrown;
  const error = thrown as StorageError;
  const status = error.$metadata?.httpStatusCode;
  const said = [error.code ?? error.name, status && `HTTP ${status}`].filter(Boolean).join(', ');
  return new PgveilError(codeOf(error, status), said || 'no answer');
}

function codeOf({ code, name }: StorageError, status: number | undefined): ErrorCode {
  if (status === 401 || status === 403 || RIGHTS.includes(code ?? '') || name === 'CredentialsProviderError') {
    return 'lake_rights';
  }
  if (status !== undefined) return status >= 500 || status === 429 || status === 408 ? 'lake_away' : 'lake_failed';
  if (AWAY.includes(code ?? '')) return 'lake_away';
  // A failed call of the file system has a code; of the network all that has no HTTP status never got an answer.
  return /^E[A-Z]+$/.test(code ?? '') && !/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOST|ENET)/.test(code!)
    ? 'lake_failed'
    : 'lake_away';
}

/** Runs `work`; whatever it throws becomes an error of ours. */
export async function asTrouble<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw trouble(error);
  }
}
