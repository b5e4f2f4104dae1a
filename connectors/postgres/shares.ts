// What reading may take of `memory`, in bytes.

/** A batch of more is cut. It is redacted in one go, and that must not hold the event loop for long: 4,000 short rows take about 10 ms. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_SHARE = 1 / 16;

/** What the workers of copies have read and nobody has taken yet; as much again waits in the lanes. */
const COPY_SHARE = 1 / 32;

export function batchLimit(memory: number): number {
  return Math.min(BATCH_BYTES, memory * BATCH_SHARE);
}

/** For one of `copies` that may be under way at once. */
export function copyLimit(memory: number, copies: number): number {
  return (memory * COPY_SHARE) / copies;
}
