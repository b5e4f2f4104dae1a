import { fit, fixLines, printable, widthOf } from '../show/printable.ts';
import { formatBytes, formatCount } from '../show/quantity.ts';
import type { SinkStatus } from '../state/sink-watch.ts';
import type { SlotStatus } from '../state/slot-watch.ts';
import { isSecond, slotsOf } from '../state/state.ts';
import type { CopyProgress, TableStatus } from '../state/table-status.ts';
import { pipelineRemarks, type Remark, sinkRemarks, slotRemarks, tableRemarks } from './remarks.ts';
import type { Report } from './report.ts';
import {
  copyStep,
  LOST_IN,
  NO_LIMIT,
  pipelineWaits,
  sinkState,
  slotState,
  timeLeft,
  WRITTEN,
  waitsFor,
  writtenRate,
} from './words.ts';

type Row = readonly [name: string, state: string, where: string, amount: string, more: string];

/** For people: a line for each table, sink and slot, and what there is to do below. */
export function statusText(report: Report): string {
  const rows = [
    ...Object.entries(report.tables).map(([name, table]) => tableRow(name, table)),
    ...Object.entries(report.sinks).map(([name, sink]) => sinkRow(name, sink)),
    ...slotsOf(report).map((slot) => slotRow(slot, report)),
  ];
  const remarks = [...pipelineRemarks(report), ...sinkRemarks(report), ...slotRemarks(report), ...tableRemarks(report)];
  const next = report.running ? [] : ['', 'pgveil check says what a start would meet'];
  return [heading(report), '', ...aligned(rows), ...remarks.flatMap(remarkLines), ...next].join('\n');
}

function heading(report: Report): string {
  const { name, running, version } = report;
  return `${name}: ${listed(running ? 'running' : 'not running', position(report), pipelineWaits(report))} (pgveil ${version})`;
}

function position(report: Report): string {
  if (report.position !== null) return report.position;
  const isUnsaid = Object.values(report.sinks).some((sink) => sink.position === null && (sink.trouble ?? sink.halt));
  return isUnsaid || isSecond(report) ? 'position not known' : 'no position yet';
}

function tableRow(name: string, table: TableStatus): Row {
  const { state, generation, rows, progress, restarts } = table;
  return [
    name,
    state,
    generation === 0 ? '-' : `generation ${generation}`,
    rows === null ? '' : `${formatCount(rows)} rows`,
    listed(waitsFor(table), progress ? progressText(progress) : '', restarts ? `restarted ${restarts} times` : ''),
  ];
}

function sinkRow(name: string, sink: SinkStatus): Row {
  const { position, lag_bytes, lag_ms, trouble } = sink;
  return [
    `sink ${name}`,
    sinkState(sink),
    position ?? '-',
    lag_bytes === null ? '' : `${formatBytes(lag_bytes)} behind`,
    listed(lag_ms === null ? '' : `${lag_ms} ms`, trouble?.code ?? ''),
  ];
}

/** What there is to say of a slot but that it is read from. */
function useOf(slot: SlotStatus, { copy_slots, unused_slots }: Report): string {
  if (unused_slots?.includes(slot)) return 'unused';
  return copy_slots?.includes(slot) ? 'copy' : '';
}

function slotRow(slot: SlotStatus, report: Report): Row {
  const { name, retained_bytes } = slot;
  return [
    `slot ${name}`,
    slotState(slot, report),
    useOf(slot, report),
    retained_bytes === null ? '' : `holds ${formatBytes(retained_bytes)}`,
    listed(limitText(slot), named(WRITTEN, writtenRate(slot)), named(LOST_IN, timeLeft(slot))),
  ];
}

/** Of a slot that is gone, or not there, nothing. */
function limitText({ safe_bytes, wal_status }: SlotStatus): string {
  if (safe_bytes !== null) return `${formatBytes(safe_bytes)} to the limit`;
  return wal_status === null || wal_status === 'lost' ? '' : NO_LIMIT;
}

function named(name: string, figure: string): string {
  return figure && `${name} ${figure}`;
}

/** `copy started, of about 4.8k rows, 1.0 kB of 4.0 kB`. */
function progressText(progress: CopyProgress): string {
  const { estimated_rows, bytes, total_bytes, room_bytes } = progress;
  return listed(
    copyStep(progress),
    estimated_rows === null ? '' : `of about ${formatCount(estimated_rows)} rows`,
    `${formatBytes(bytes)} of ${formatBytes(total_bytes)}`,
    room_bytes === undefined ? '' : `room ${formatBytes(room_bytes)}`,
  );
}

/** Those of them that say something. */
function listed(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}

function remarkLines({ about, notice: { code, message, fix } }: Remark): string[] {
  return ['', printable(`${about}: ${code}: ${message}`), fixLines(fix)];
}

function aligned(rows: readonly Row[]): string[] {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown[0]!.map((_, column) => Math.max(...shown.map((row) => widthOf(row[column]!))));
  return shown.map((row) =>
    row
      .map((cell, column) => fit(cell, widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
