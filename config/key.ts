export const MIN_KEY_BYTES = 32;

/**
 * The bytes of a key written in base64 (plain or URL-safe, padded or not, in one line or wrapped) or, when it consists of
 * hexadecimal digits alone, in hex. Undefined when it is neither, too short, or one byte repeated: a placeholder, and no key.
 */
export function parseKey(text: string): Buffer | undefined {
  const key = decode(text.replace(/\s/g, ''));
  if (key === undefined || key.length < MIN_KEY_BYTES) return undefined;
  return key.every((byte) => byte === key[0]) ? undefined : key;
}

function decode(text: string): Buffer | undefined {
  if (/^[0-9A-Fa-f]+$/.test(text)) return text.length % 2 === 0 ? Buffer.from(text, 'hex') : undefined;
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
