// Views for tests of the screen: a shop with three sinks, of which each test changes what it is about.

import type { TableStatus } from '../../../../src/app/state/table-status.ts';
import type { Report } from '../../../../src/app/status/report.ts';
import { frame } from '../../../../src/app/watch/frame.ts';
import { render } from '../../../../src/app/watch/line.ts';
import type { View } from '../../../../src/app/watch/view.ts';

export const MB = 1024 ** 2;

export function table(more: Partial<TableStatus> = {}): TableStatus {
  return { state: 'streaming', generation: 1, rows: 1_234_567, changes: 0, warnings: [], ...more };
}

export function report(tables: Record<string, TableStatus>, more: Partial<Report> = {}): Report {
  return {
    running: true,
    name: 'shop',
    version: '0.1.0',
    position: '0/16B0000',
    tables,
    sinks: {
      twin: { state: 'live', position: '0/16B3748', lag_bytes: 1024, lag_ms: 12 },
      lake: { state: 'live', position: '0/16B0000', lag_bytes: 3 * MB, lag_ms: 150_000 },
    },
    slot: {
      name: 'pgveil_shop',
      retained_bytes: 1200 * MB,
      wal_status: 'reserved',
      safe_bytes: 9000 * MB,
      rate_bytes_per_s: 1.3 * MB,
      seconds_left: 6923,
      alarms: [],
    },
    ...more,
  };
}

export function view(now: Report | null, more: Partial<View> = {}): View {
  return { report: now, before: null, silentSeconds: null, failure: null, ...more };
}

/** The screen as text, without colour and without the empty lines above its last one. */
export function screen(shown: View, columns = 80, rows = 24): string[] {
  const lines = frame(shown, columns, rows).map((line) => render(line, false));
  const last = lines.findLastIndex((line, at) => line !== '' && at < lines.length - 1);
  return [...lines.slice(0, last + 1), lines.at(-1)!];
}
