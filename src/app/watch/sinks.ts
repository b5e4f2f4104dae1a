import { bar } from '../show/bar.ts';
import { formatBytes } from '../show/quantity.ts';
import type { SinkStatus } from '../state/sink-watch.ts';
import type { SlotStatus } from '../state/slot-watch.ts';
import { slotsOf } from '../state/state.ts';
import type { Report } from '../status/report.ts';
import { LOST_IN, NO_LIMIT, sinkState, slotState, timeLeft, WRITTEN, writtenRate } from '../status/words.ts';
import { type Column, grid } from './grid.ts';
import { formatLag } from './lag.ts';
import { type Line, type Span, type Style, span } from './line.ts';

const SINK_COLUMNS: readonly Column[] = [
  { title: 'SINK' },
  { title: 'STATE' },
  { title: 'POSITION' },
  { title: 'BEHIND', isFigure: true },
  { title: 'LAG', isFigure: true },
  { title: '' },
];

const SLOT_COLUMNS: readonly Column[] = [
  { title: 'SLOT' },
  { title: 'KEEPS', isFigure: true },
  { title: 'OF', isFigure: true },
  { title: WRITTEN.toUpperCase(), isFigure: true },
  { title: LOST_IN.toUpperCase(), isFigure: true },
  { title: 'WAL BUDGET' },
];

const BAR_WIDTH = 20;

export function sinkLines({ sinks }: Report, width: number): Line[] {
  const rows = Object.entries(sinks).map(([name, sink]) => sinkRow(name, sink));
  return grid(SINK_COLUMNS, rows, width);
}

function sinkRow(name: string, sink: SinkStatus): Span[] {
  const { state, halt, trouble, position, lag_bytes, lag_ms } = sink;
  return [
    span(name),
    span(sinkState(sink), state === 'live' ? undefined : 'red'),
    span(position ?? '-'),
    span(lag_bytes === null ? '-' : formatBytes(lag_bytes)),
    span(lag_ms === null ? '-' : formatLag(lag_ms)),
    span((halt ?? trouble)?.code ?? '', 'red'),
  ];
}

/** Each slot with what it keeps of what it may, and how long that lasts. */
export function slotLines(report: Report, width: number): Line[] {
  return grid(
    SLOT_COLUMNS,
    slotsOf(report).map((slot) => slotRow(slot, report)),
    width,
  );
}

function slotRow(slot: SlotStatus, report: Report): Span[] {
  const { name, retained_bytes, safe_bytes } = slot;
  const limit = safe_bytes === null || retained_bytes === null ? null : retained_bytes + Math.max(0, safe_bytes);
  const style: Style | undefined = slot.alarms.length > 0 ? 'yellow' : undefined;
  return [
    span(name),
    span(retained_bytes === null ? '-' : formatBytes(retained_bytes), style),
    span(limit === null ? '-' : formatBytes(limit)),
    span(writtenRate(slot) || '-'),
    span(timeLeft(slot) || '-', style),
    budget(slotState(slot, report), slot, limit === null ? null : retained_bytes! / Math.max(1, limit)),
  ];
}

function budget(state: string, { wal_status }: SlotStatus, share: number | null): Span {
  if (wal_status === null) return span(state, 'dim');
  if (wal_status === 'lost') return span(state, 'red');
  if (share === null) return span(NO_LIMIT, 'dim');
  const style = share < 0.5 ? 'green' : share < 0.8 ? 'yellow' : 'red';
  return span(`${bar(share, BAR_WIDTH)} ${Math.floor(share * 100)}%`, style);
}
