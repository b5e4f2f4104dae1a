import { createHmac, hash, hkdfSync } from 'node:crypto';
import type { Secret } from '../src/core/secret.ts';
import type { Keys } from '../src/core/transform.ts';

/** SHA-256's block, in bytes: HMAC pads its key to this. */
const BLOCK = 64;
/** Longest value, in UTF-8 bytes, that the prepared buffer has room for. */
const PREPARED = 1024;

export interface Keyring extends Keys {
  /** Tells one redaction key from another without giving it away: 16 hex digits of the HMAC of '' under class `fingerprint`. */
  readonly fingerprint: string;
}

/** One key per semantic class, derived when it is first asked for. */
export function deriveKeys(secret: Secret<Buffer>): Keyring {
  const classes = new Map<string, (value: string) => string>();
  const hmac = (semanticClass: string) => {
    const known = classes.get(semanticClass);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', secret.reveal(), '', `pgveil/1/${semanticClass}`, 32));
    const made = hmacSha256(key);
    classes.set(semanticClass, made);
    return made;
  };
  return { hmac, fingerprint: hmac('fingerprint')('').slice(0, 16) };
}

/**
 * HMAC-SHA256 of the value's UTF-8 text in lower-case hex, as two one-shot hashes over prepared pads: a createHmac per value takes
 * several times as long. The inner digest stays a string of bytes, since a Buffer made by `hash` costs more than hashing; and the
 * views of the prepared buffer are made once for each length, since a view costs a fifth of a hash.
 */
function hmacSha256(key: Buffer): (value: string) => string {
  const inner = padded(key, 0x36, PREPARED);
  const outer = padded(key, 0x5c, 32);
  const upTo = Array.from({ length: BLOCK + PREPARED + 1 }, (_, end) => inner.subarray(0, end));
  return (value) => {
    if (value.length * 3 > PREPARED) return createHmac('sha256', key).update(value).digest('hex');
    const end = BLOCK + inner.write(value, BLOCK);
    outer.write(hash('sha256', upTo[end]!, 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, 'hex');
  };
}

/** The key, padded to a block and mixed with `pad`, and room for `more` bytes behind it. */
function padded(key: Buffer, pad: number, more: number): Buffer {
  const bytes = Buffer.alloc(BLOCK + more, pad);
  for (const [index, byte] of key.entries()) bytes[index]! ^= byte;
  return bytes;
}
