import { DIGEST_BYTES, ROW_AT } from '../../core/digest.ts';

const BUCKET_BITS = 20;
const BUCKETS = 2 ** BUCKET_BITS;

/**
 * One side of a comparison in 12 MB, whatever its size: rows fall into buckets by their keys, and of each bucket there is the number of its
 * rows and a sum of their hashes. In which order rows come makes no difference. Two sides with equal sums are equal (64 bits for each
 * of a million buckets); where they are not, only the buckets that differ have to be looked into.
 */
export class Sums {
  rows = 0;
  readonly #counts = new Uint32Array(BUCKETS);
  readonly #low = new Uint32Array(BUCKETS);
  readonly #high = new Uint32Array(BUCKETS);

  add(digests: Buffer, at: number): void {
    const bucket = bucketOf(digests, at);
    this.#counts[bucket]! += 1;
    this.#low[bucket]! += digests.readUInt32LE(at + ROW_AT);
    this.#high[bucket]! += digests.readUInt32LE(at + ROW_AT + 4);
    this.rows += 1;
  }

  /** The buckets in which the other side has other rows, in groups of so many rows of both sides: of one bucket at least. */
  differing(other: Sums, most: number): Set<number>[] {
    const groups: Set<number>[] = [];
    let room = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.#isEqual(other, bucket)) continue;
      const rows = this.#counts[bucket]! + other.#counts[bucket]!;
      if (rows > room || groups.length === 0) {
        groups.push(new Set());
        room = most;
      }
      groups.at(-1)!.add(bucket);
      room -= rows;
    }
    return groups;
  }

  #isEqual(other: Sums, bucket: number): boolean {
    return (
      this.#counts[bucket] === other.#counts[bucket] &&
      this.#low[bucket] === other.#low[bucket] &&
      this.#high[bucket] === other.#high[bucket]
    );
  }
}

/** Of the digest that begins at `at`. */
export function bucketOf(digests: Buffer, at: number): number {
  return digests.readUInt32LE(at) >>> (32 - BUCKET_BITS);
}

/** All digests of `rows`, one by one. */
export async function each(rows: AsyncIterable<Buffer>, visit: (digests: Buffer, at: number) => void): Promise<void> {
  for await (const digests of rows) {
    for (let at = 0; at < digests.length; at += DIGEST_BYTES) visit(digests, at);
  }
}
