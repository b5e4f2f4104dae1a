/** What Avro does not take in a name, and what would look like an escape of ours. */
const OTHER = /[^A-Za-z0-9_]|^[0-9]|_(?=x[0-9a-f]{2})/gu;

/**
 * A name as Avro takes it, `[A-Za-z_][A-Za-z0-9_]*`: whatever else is in it is written `_xHH`, by byte of its UTF-8, so that two names never
 * become one. `Order Items` is `Order_x20Items`.
 */
export function legalName(name: string): string {
  return name.replace(OTHER, (other) =>
    [...Buffer.from(other)].map((byte) => `_x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}
