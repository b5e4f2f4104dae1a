import pg from 'pg';
import type { Secret } from '../core/secret.ts';

/** A Unix socket, or what only this machine answers at. */
const HERE = /^(\/.*|localhost|127(\.\d+){1,3}|::1)$/i;

/**
 * Whether rows cross a network in clear text because nobody said anything of TLS. `sslmode=disable` says something: the network may be such
 * that nobody listens.
 */
export function isInClear(url: Secret): boolean {
  const text = url.reveal();
  if (process.env.PGSSLMODE || /[?&]ssl(mode)?=[^&]/.test(text)) return false;
  try {
    // As the driver reads it: it has defaults, and ways to write a socket.
    const { host, ssl } = new pg.Client({ connectionString: text });
    return !ssl && !HERE.test(host);
  } catch {
    return false; // a certificate that is not there: whoever connects says so
  }
}
