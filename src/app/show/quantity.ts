const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const COUNT_UNITS = ['', 'k', 'M', 'G', 'T'];

/** `512 B`, `1.2 MB`, `340 GB`: powers of two, spelled as Postgres spells them. At most 7 characters. */
export function formatBytes(bytes: number): string {
  return scale(bytes, 1024, BYTE_UNITS, ' ');
}

/** `999`, `1.2k`, `34M`. At most 5 characters. */
export function formatCount(count: number): string {
  return scale(count, 1000, COUNT_UNITS, '');
}

/** `0:07`, `12:30`, `3:05:00`; `2 d` from two days on. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole >= 2 * 86_400) return `${Math.round(whole / 86_400)} d`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function scale(quantity: number, base: number, units: readonly string[], space: string): string {
  let value = quantity;
  let unit = 0;
  // 999.6 would be rounded to 1000, a digit too many.
  while (Math.round(value) >= 1000 && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
  return `${digits}${space}${units[unit]}`;
}
