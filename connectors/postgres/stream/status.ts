import type { Lsn } from '../../../src/core/lsn.ts';
import { postgresMicros } from '../../../src/core/postgres-time.ts';
import { malformed } from './pgoutput.ts';

/** What walsender and receiver say to each other inside of CopyData. */
export const XLOG_DATA = 0x77; // 'w'
export const KEEPALIVE = 0x6b; // 'k'
const STATUS_UPDATE = 0x72; // 'r'

/** XLogData: its type, the start and end of the WAL it stands for, and the server's clock; none of which says where the stream stands. */
export const XLOG_DATA_HEADER = 25;

const KEEPALIVE_LENGTH = 18;
const STATUS_LENGTH = 34;

export function readKeepalive(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly walEnd: Lsn; readonly replyRequested: boolean } {
  if (end - start < KEEPALIVE_LENGTH) throw malformed('a keepalive that ends too early');
  return { walEnd: bytes.readBigUInt64BE(start + 1), replyRequested: bytes[start + 17] === 1 };
}

/** A standby status update as a CopyData message. The slot moves to `acked`; 0 leaves it where it is. */
export function statusUpdate(acked: Lsn, replyRequested: boolean): Buffer {
  const message = Buffer.alloc(5 + STATUS_LENGTH);
  message.write('d', 0);
  message.writeUInt32BE(4 + STATUS_LENGTH, 1);
  message[5] = STATUS_UPDATE;
  // Written, flushed and applied are one for us: durable in every sink.
  message.writeBigUInt64BE(acked, 6);
  message.writeBigUInt64BE(acked, 14);
  message.writeBigUInt64BE(acked, 22);
  message.writeBigInt64BE(postgresMicros(Date.now()), 30);
  message[38] = replyRequested ? 1 : 0;
  return message;
}
