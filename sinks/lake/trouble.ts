import { type ErrorCode, PgveilError } from '../../src/core/errors.ts';

interface StorageError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const RIGHTS = ['EACCES', 'EPERM', 'EROFS'];
/** Of a folder: a disk that is full or gone may come back. */
const AWAY = ['ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'ENOTCONN'];

/** How the SDK says that neither environment nor shared configuration has one. */
const NO_REGION = 'Region is missing';

/** How DuckDB's messages begin; what follows may quote a value. */
const DUCKDB_KIND = /^[A-Z][A-Za-z ]+ Error(?=:)/;

/** What a storage or DuckDB threw, as an error of ours that holds no value: of messages nothing but DuckDB's kind of error is told. */
export function trouble(thrown: unknown): PgveilError {
  if (thrown instanceof PgveilError) return thrown;
  const error = thrown as StorageError;
  const status = error.$metadata?.httpStatusCode;
  const kind = DUCKDB_KIND.exec(error.message ?? '')?.[0];
  if (error.message === NO_REGION)
    return new PgveilError('lake_rights', 'no region is configured', { fix: 'Set AWS_REGION.' });
  const said = [error.code ?? kind ?? error.name, status && `HTTP ${status}`].filter(Boolean).join(', ');
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

/** Runs `work`; whatever it throws becomes an error of ours, but for a defect. */
export async function asTrouble<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TypeError ? error : trouble(error);
  }
}

/** Whether DuckDB has less memory than it needs for what it cannot put aside. */
export function isOutOfMemory(thrown: unknown): boolean {
  return /^Out of Memory Error/.test((thrown as StorageError).message ?? '');
}

/** How DuckDB says that its folder has no room. */
const NO_ROOM = /^(IO|Out of Memory) Error: .*(No space left|Disk quota|max_temp_directory_size)/is;

/**
 * What DuckDB threw while it made a file of one table's rows. A disk that is full comes back; whatever else it does not like is in these
 * rows, and would be there again at the next attempt: the table halts, alone.
 */
export function fileTrouble(thrown: unknown, table: string): PgveilError {
  const { code, message } = trouble(thrown);
  const text = (thrown as StorageError).message ?? '';
  if (NO_ROOM.test(text)) return new PgveilError('lake_away', 'no room for temporary files');
  if (message === 'IO Error' || !DUCKDB_KIND.test(text)) return new PgveilError(code, message);
  return new PgveilError('lake_refused', `no file could be made of rows: ${message}`, { table });
}
