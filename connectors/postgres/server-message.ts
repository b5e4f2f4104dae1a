import { PgveilError } from '../../src/core/errors.ts';
import { trouble } from '../../src/postgres/trouble.ts';

/** The types of the server's messages that matter on a replication connection. */
export const SERVER = {
  copyBothResponse: 0x57, // 'W': the stream begins
  copyData: 0x64, // 'd'
  copyDone: 0x63, // 'c': the server ends the stream
  errorResponse: 0x45, // 'E'
  noticeResponse: 0x4e, // 'N'
} as const;

const UNDEFINED_OBJECT = '42704';
const OBJECT_IN_USE = '55006';

/** An ErrorResponse or NoticeResponse as an error of ours. */
export function serverError(bytes: Buffer, start: number, end: number): PgveilError {
  const { code, message } = readFields(bytes, start, end);
  // The slot is not there; or the publication was not when the WAL was written, and no publication made since changes that.
  if (code === UNDEFINED_OBJECT) return new PgveilError('slot_lost', `source: ${message}`);
  if (code === OBJECT_IN_USE) return new PgveilError('slot_in_use', `source: ${message}`);
  return trouble('source', { code, message });
}

/** PostgreSQL 18 warns that it leaves out a publication which was not there when the WAL was written, and goes on without its changes. */
export function isPublicationMissing(bytes: Buffer, start: number, end: number): boolean {
  return readFields(bytes, start, end).code === UNDEFINED_OBJECT;
}

/** Fields of a letter and a zero-terminated text each: C is the SQLSTATE, M the message. */
function readFields(bytes: Buffer, start: number, end: number): { readonly code: string; readonly message: string } {
  const fields = new Map(
    bytes
      .toString('utf8', start, end)
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  );
  return { code: fields.get('C') ?? '', message: fields.get('M') ?? '' };
}
