import { PgveilError } from '../../../src/core/errors.ts';
import { OBJECT_IN_USE, UNDEFINED_OBJECT } from '../../../src/postgres/sql-state.ts';
import { isTooLarge, trouble } from '../../../src/postgres/trouble.ts';

/** The types of the server's messages that matter on a replication connection. */
export const SERVER = {
  copyBothResponse: 0x57, // 'W': the stream begins
  copyData: 0x64, // 'd'
  copyDone: 0x63, // 'c': the server ends the stream
  errorResponse: 0x45, // 'E'
  noticeResponse: 0x4e, // 'N'
} as const;

const NOT_IN_PREREQUISITE_STATE = '55000';

/** An ErrorResponse as an error of ours. */
export function serverError(bytes: Buffer, start: number, end: number): PgveilError {
  const { code, message, where } = readFields(bytes, start, end);
  // The slot is not there; or the publication was not when the WAL was written, and no publication made since changes that.
  if (code === UNDEFINED_OBJECT) return new PgveilError('slot_lost', `source: ${message}`);
  if (code === OBJECT_IN_USE) return new PgveilError('slot_in_use', `source: ${message}`);
  const error = trouble('source', { code, message });
  return isTooLarge(error) ? tooLarge(error, where) : error;
}

/** `slot "s", output plugin "pgoutput", in the change callback, associated LSN 0/16B3748`, in the server's language. */
const ASSOCIATED_LSN = /\b([0-9A-F]{1,8}\/[0-9A-F]{1,8})\b/;

/** The server would fail with it again and again, and sends nothing of what follows it. */
function tooLarge({ message }: PgveilError, where: string): PgveilError {
  const [, lsn] = ASSOCIATED_LSN.exec(where) ?? [];
  const at = lsn === undefined ? 'a change' : `the change at ${lsn}`;
  return new PgveilError('change_too_large', `${message}: ${at} cannot be sent, nor what follows it`);
}

/**
 * A NoticeResponse, or null where it says nothing of importance. Since 18 Postgres only warns when the publication was not there at
 * that point of the WAL, and goes on without its changes.
 */
export function serverWarning(bytes: Buffer, start: number, end: number): PgveilError | null {
  const { code, routine, message } = readFields(bytes, start, end);
  const isPublicationMissing = code === NOT_IN_PREREQUISITE_STATE && routine === 'LoadPublications';
  return isPublicationMissing ? new PgveilError('slot_lost', `source: ${message}`) : null;
}

/** Fields of a letter and a zero-terminated text each: C is the SQLSTATE, M the message, W where it happened, R the function in the server's source. */
function readFields(
  bytes: Buffer,
  start: number,
  end: number,
): Record<'code' | 'message' | 'where' | 'routine', string> {
  const texts = bytes.toString('utf8', start, end).split('\0');
  const field = (letter: string) => texts.find((text) => text.startsWith(letter))?.slice(1) ?? '';
  return { code: field('C'), message: field('M'), where: field('W'), routine: field('R') };
}
