import { hash } from 'node:crypto';
import { ByteWriter } from './bytes.ts';

// What `verify` holds against each other: of each row a fixed number of bytes, and no value.
//
//     key      16 bytes  of SHA-256 of the text of source_primary_key
//     row      16 bytes  of SHA-256 of that key and of all cells
//     version   8 bytes  of SHA-256 of what tells one version of the row in its sink from the next; zeros where nothing does

export const ROW_AT = 16;
const VERSION_AT = 32;
export const DIGEST_BYTES = 40;

/** Hex digits of a key's hash, as people see it. */
const SHOWN_DIGITS = 16;

/** Digests of rows, one behind the other. */
export class DigestWriter {
  readonly #out = new ByteWriter(DIGEST_BYTES * 1024);

  /** `row` holds the key, too: of two rows that swapped their keys neither is the one before. */
  add(key: Buffer, row: Buffer, version: Buffer | null = null): void {
    const out = this.#out;
    out.reserve(DIGEST_BYTES);
    const { bytes, length } = out;
    bytes.write(sha256(key), length, ROW_AT, 'latin1');
    bytes.write(sha256(row), length + ROW_AT, VERSION_AT - ROW_AT, 'latin1');
    if (version) bytes.write(sha256(version), length + VERSION_AT, DIGEST_BYTES - VERSION_AT, 'latin1');
    else bytes.fill(0, length + VERSION_AT, length + DIGEST_BYTES);
    out.length += DIGEST_BYTES;
  }

  /** The same where somebody else has hashed the key and the row: 16 bytes each. */
  addHashes(key: Uint8Array, row: Uint8Array, version: string): void {
    const out = this.#out;
    out.reserve(DIGEST_BYTES);
    const { bytes, length } = out;
    bytes.set(key, length);
    bytes.set(row, length + ROW_AT);
    bytes.write(sha256(Buffer.from(version)), length + VERSION_AT, DIGEST_BYTES - VERSION_AT, 'latin1');
    out.length += DIGEST_BYTES;
  }

  /** What was added since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#out.view());
    this.#out.clear();
    return taken;
  }
}

/** Of the digest that begins at `at`, as a string to look up by. */
export function keyOf(digests: Buffer, at: number): string {
  return digests.toString('hex', at, at + ROW_AT);
}

export function rowOf(digests: Buffer, at: number): string {
  return digests.toString('hex', at + ROW_AT, at + VERSION_AT);
}

export function versionOf(digests: Buffer, at: number): string {
  return digests.toString('hex', at + VERSION_AT, at + DIGEST_BYTES);
}

/** What stands for a key in front of people: the beginning of `sha256(source_primary_key)`, in hex. */
export function shownKey(key: string): string {
  return key.slice(0, SHOWN_DIGITS);
}

/** One character per byte: a Buffer made by `hash` costs more than hashing. */
function sha256(bytes: Buffer): string {
  return hash('sha256', bytes, 'binary');
}
