import { bar, shareCopied } from '../show/bar.ts';
import { formatCount, formatSeconds } from '../show/quantity.ts';
import type { CopyProgress, TableStatus } from '../state/table-status.ts';
import type { Report } from '../status/report.ts';
import { copyStep, waitsFor } from '../status/words.ts';
import { type Column, grid } from './grid.ts';
import { formatLag, worstLag } from './lag.ts';
import { type Line, type Span, type Style, span } from './line.ts';
import { perSecond, type View } from './view.ts';

const COLUMNS: readonly Column[] = [
  { title: 'TABLE' },
  { title: 'STATE' },
  { title: 'ROWS', isFigure: true },
  { title: 'ROWS/S', isFigure: true },
  { title: 'LAG', isFigure: true },
  { title: '' },
];

/** What needs looking at comes first; what is equal keeps the order of the configuration. */
const ORDER: readonly TableStatus['state'][] = ['halted', 'copying', 'waiting', 'streaming'];
const STYLES: Partial<Record<TableStatus['state'], Style>> = { halted: 'red', copying: 'cyan', waiting: 'yellow' };
const BAR_WIDTH = 10;

/** Titles and tables in at most `room` lines, the last of which says how many there are besides. */
export function tableLines(view: View, report: Report, width: number, room: number): Line[] {
  const tables = Object.entries(report.tables);
  tables.sort(([, a], [, b]) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const shown = tables.length > room - 1 ? tables.slice(0, Math.max(0, room - 2)) : tables;
  const rows = shown.map(([name, table]) => row(view, report, name, table));
  const more = tables.slice(shown.length).map(([, { state }]) => state);
  return [...grid(COLUMNS, rows, width), ...(more.length > 0 ? [[span(`   ${moreText(more)}`, 'dim')]] : [])];
}

function row(view: View, report: Report, name: string, table: TableStatus): Span[] {
  const { state, rows } = table;
  const lag = state === 'streaming' ? worstLag(report) : null;
  const rate = rowsPerSecond(view, name);
  return [
    span(name),
    span(state, STYLES[state]),
    span(rows === null ? '-' : formatCount(rows), rows === null ? 'dim' : undefined),
    span(rate === null ? '-' : formatCount(rate), rate ? undefined : 'dim'),
    span(lag === null ? '-' : formatLag(lag), lag === null ? 'dim' : undefined),
    note(view, name, table),
  ];
}

/** Rows that were copied, and changes that came. */
function rowsPerSecond(view: View, table: string): number | null {
  const changes = perSecond(view, ({ tables }) => tables[table]?.changes);
  const copied = perSecond(view, ({ tables }) => tables[table]?.progress?.rows);
  return changes === null && copied === null ? null : (changes ?? 0) + (copied ?? 0);
}

function note(view: View, name: string, table: TableStatus): Span {
  const { state, generation, progress, halt, sinks } = table;
  if (halt) return span(halt.code, 'red');
  if (sinks) return span(statesBySink(sinks));
  if (progress) return span(progressText(view, name, progress), 'cyan');
  if (state === 'waiting') return span(waitsFor(table));
  return span(generation > 1 ? `copy ${generation}` : '', 'dim');
}

function statesBySink(sinks: NonNullable<TableStatus['sinks']>): string {
  return Object.entries(sinks)
    .map(([sink, there]) => `${sink}: ${there}`)
    .join(', ');
}

/** `██████░░░░ 63% 0:09`; in words what comes before and after the reading. */
function progressText(view: View, name: string, progress: CopyProgress): string {
  const { step, bytes, total_bytes } = progress;
  const isRead = step === 'started' || (step === 'due' && bytes > 0);
  if (!isRead) return copyStep(progress);
  const share = shareCopied(bytes, total_bytes);
  const rate = perSecond(view, ({ tables }) => tables[name]?.progress?.bytes);
  const left = rate ? ` ${formatSeconds(Math.max(0, total_bytes - bytes) / rate)}` : '';
  return `${bar(share, BAR_WIDTH)} ${String(Math.floor(share * 100)).padStart(2)}%${left}`;
}

/** `and 37 more that stream`, or, where not all of them do, `and 40 more: 3 waiting, 37 streaming`. */
function moreText(states: readonly TableStatus['state'][]): string {
  const verbs = { halted: 'are halted', copying: 'are copied', waiting: 'wait', streaming: 'stream' };
  const counts = ORDER.map((state) => [state, states.filter((one) => one === state).length] as const);
  const there = counts.filter(([, count]) => count > 0);
  if (there.length === 1) return `and ${states.length} more that ${verbs[there[0]![0]]}`;
  return `and ${states.length} more: ${there.map(([state, count]) => `${count} ${state}`).join(', ')}`;
}
