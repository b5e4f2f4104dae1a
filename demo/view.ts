// What `npm run demo` shows: a frame of lines, made from what is known at the moment. Nothing is read or written here.
import { styleText } from 'node:util';
import { ruleOf, type TableDecisions } from '../test/support/judge/decisions.ts';
import type { Lag } from './heartbeat.ts';
import type { Pair } from './pair.ts';
import type { Status, TableStatus } from './stage.ts';
import type { Change } from './writer.ts';

export interface Scene {
  readonly seconds: number;
  readonly status: Status | null;
  /** Rows that the writer changed, in all and each second. */
  readonly changes: number;
  readonly changesPerSecond: number;
  readonly lag: (Lag & { readonly last: number }) | null;
  /** The decisions on the table of `pair`. */
  readonly decisions: TableDecisions;
  readonly pair: Pair;
  readonly recent: readonly Change[];
}

type Style = Parameters<typeof styleText>[0];

/** Of the row: its key says nothing, and when it was made neither. */
const HIDDEN_COLUMNS = ['customer_id', 'registered_at'];
const NAME_WIDTH = 13;
const DECISION_WIDTH = 8;
const GAP = '  ';

/** Lines for a terminal of this size; none is as wide as it, as some terminals wrap then. */
export function frame(scene: Scene, columns: number, rows: number): string[] {
  const width = columns - 1;
  const above = [...heading(scene, width), '', ...rowLines(scene, width), ''];
  const room = Math.max(0, rows - above.length - 2);
  const changes = scene.recent.slice(0, room).map((change) => changeLine(change, width));
  const lines = [...above, paint('bold', ' last transactions of the shop', width), ...changes];
  while (lines.length < rows - 1) lines.push('');
  return [...lines.slice(0, rows - 1), paint('dim', ' Ctrl-C or q stops it and removes everything', width)];
}

/** The same in one line, where there is no terminal. */
export function plainLine({ seconds, status, changes, lag }: Scene): string {
  const lagged = lag === null ? 'no lag measured yet' : `lag ${lag.last} ms (p50 ${lag.p50}, p99 ${lag.p99})`;
  return `${clock(seconds)} ${now(status).text}; ${count(rowsCopied(status))} rows copied, ${count(changes)} changed; ${lagged}`;
}

/** The row in words, where there is no terminal: `first_name: Aldwenna -> Joan`. */
export function plainRow({ decisions, pair }: Scene): string {
  const cells = shownColumns(decisions).map(
    (column) => `${column}: ${cell(pair.source, column)} -> ${cell(pair.twin, column)}`,
  );
  return `customer ${pair.id}: ${cells.join(', ')}`;
}

function heading({ seconds, status, changes, changesPerSecond, lag }: Scene, width: number): string[] {
  const { text, style } = now(status);
  const time = clock(seconds);
  const title = fit(' pgveil: a shop, and its redacted twin', width - time.length);
  const lagged =
    lag === null ? '' : `, lag ${Math.round(lag.last)} ms (p50 ${Math.round(lag.p50)}, p99 ${Math.round(lag.p99)})`;
  const rate = `${count(changes)} changed, ${Math.round(changesPerSecond)}/s`;
  return [
    styleText('bold', title) + styleText('dim', time),
    paint(style, ` ● ${text}`, width),
    paint([], ` ${count(rowsCopied(status))} rows copied; ${rate}${lagged}`, width),
  ];
}

function now(status: Status | null): { readonly text: string; readonly style: Style } {
  if (status === null) return { text: 'pgveil is starting', style: 'yellow' };
  if (status.trouble) return { text: status.trouble.message, style: 'red' };
  const tables = Object.entries(status.tables);
  const halted = tables.find(([, { state }]) => state === 'halted');
  if (halted) return { text: `${halted[0]} is halted: ${halted[1].halt?.message}`, style: 'red' };
  const copying = tables.filter(([, { state }]) => state === 'copying').map(copyOf);
  if (copying.length > 0) return { text: `copying ${copying.join(', ')}`, style: 'yellow' };
  if (tables.some(([, { state }]) => state === 'waiting')) return { text: 'about to copy', style: 'yellow' };
  return { text: 'streaming: what the shop commits is redacted and in the twin at once', style: 'green' };
}

function copyOf([name, { progress }]: readonly [string, TableStatus]): string {
  const share = progress ? ` ${Math.floor((100 * progress.bytes) / Math.max(1, progress.total_bytes))}%` : '';
  return name.replace('public.', '') + share;
}

function rowLines({ decisions, pair }: Scene, width: number): string[] {
  const cellWidth = Math.floor((width - 1 - NAME_WIDTH - DECISION_WIDTH - 3 * GAP.length) / 2);
  const title = [`customer ${pair.id}`, 'on the source', 'in the twin', 'decision'];
  const widths = [NAME_WIDTH, cellWidth, cellWidth, DECISION_WIDTH];
  const head = title.map((text, at) => fit(text, widths[at]!)).join(GAP);
  return [styleText('bold', ` ${head}`), ...shownColumns(decisions).map((column) => line(column))];

  function line(column: string): string {
    const decision = ruleOf(decisions.columns[column]!).name;
    const kept = decision === 'keep';
    return ` ${[
      fit(column, NAME_WIDTH),
      paint(kept ? [] : 'yellow', cell(pair.source, column), cellWidth),
      paint(kept ? [] : 'green', cell(pair.twin, column), cellWidth),
      paint('dim', decision, DECISION_WIDTH),
    ].join(GAP)}`;
  }
}

function shownColumns(decisions: TableDecisions): string[] {
  return Object.keys(decisions.columns).filter((column) => !HIDDEN_COLUMNS.includes(column));
}

function cell(cells: Pair['source'], column: string): string {
  if (cells === null) return '';
  return Object.hasOwn(cells, column) ? (cells[column] ?? 'NULL') : '(no such column)';
}

function changeLine({ at, statement, story }: Change, width: number): string {
  const time = at.toTimeString().slice(0, 8);
  return ` ${paint('dim', time, time.length)}${GAP}${fit(`${statement.padEnd(22)}${story}`, width - time.length - GAP.length - 1)}`;
}

function rowsCopied(status: Status | null): number {
  return Object.values(status?.tables ?? {}).reduce((sum, { rows }) => sum + (rows ?? 0), 0);
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}

/** Exactly so wide. What is too long loses its middle: of a mail address both the name and the domain say something. */
function fit(text: string, width: number): string {
  if (text.length <= width) return text.padEnd(width);
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}

function paint(style: Style, text: string, width: number): string {
  return styleText(style, fit(text, width));
}
