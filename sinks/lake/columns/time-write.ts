import { dateOf, microsOf, secondsOf } from './calendar.ts';
import type { Write } from './fixed-vector.ts';
import { setInteger } from './number-text.ts';

/** Days since 1970. */
export const date: Write = (view, to, bytes, start, end) => {
  const days = dateOf(bytes, start, end);
  if (Number.isNaN(days)) return false;
  view.setInt32(to, days, true);
  return true;
};

/** Microseconds since 1970. */
export const timestamp: Write = (view, to, bytes, start, end) => {
  const [seconds, micros] = [secondsOf(bytes, start, end), microsOf(bytes, start, end)];
  if (Number.isNaN(seconds + micros)) return false;
  const value = seconds * 1e6 + micros;
  if (Number.isSafeInteger(value)) setInteger(view, to, value);
  else view.setBigInt64(to, BigInt(seconds) * 1_000_000n + BigInt(micros), true); // before 1684 or behind 2255
  return true;
};
