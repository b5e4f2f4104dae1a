/** A position in the WAL: a byte offset, 64 bits. Never a string inside the program, so that `<` means what it says. */
export type Lsn = bigint;

/** `0/16B3748`, as Postgres writes it, to an Lsn. Throws a TypeError on anything else. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (!match) throw new TypeError('not an LSN as Postgres writes it, such as 0/16B3748');
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** The inverse of parseLsn: upper-case hex, no padding. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}
