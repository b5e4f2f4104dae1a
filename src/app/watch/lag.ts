import { formatSeconds } from '../show/quantity.ts';
import type { Report } from '../status/report.ts';

/** A table is as old as in the sink that is furthest behind; null where nobody measures it. */
export function worstLag({ sinks }: Report): number | null {
  const lags = Object.values(sinks).flatMap(({ lag_ms }) => (lag_ms === null ? [] : [lag_ms]));
  return lags.length === 0 ? null : Math.max(...lags);
}

/** `12 ms`, `3.4 s`, `2:30`. */
export function formatLag(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : formatSeconds(ms / 1000);
}
