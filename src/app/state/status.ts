import type { Config } from '../../../config/config.ts';
import type { SlotSeen } from '../../core/observer.ts';
import { mergeCheckpoints } from '../../pipeline/checkpoints.ts';
import type { Assembly } from '../assembly.ts';
import { askRunning } from '../running.ts';
import { fit, fixLines, printable, widthOf } from '../show/printable.ts';
import { formatBytes, formatCount } from '../show/quantity.ts';
import { type SlotStatus, SlotWatch } from './slot-watch.ts';
import { State, type Status, slotsOf } from './state.ts';
import type { CopyProgress, Notice } from './table-status.ts';

export type Report = { readonly running: boolean } & Status;

/** What the running process says; without one, what is stored. */
export async function readStatus(config: Config, assembly: Assembly): Promise<Report> {
  const answer = await askRunning(config.http, config.name);
  return answer ? { running: true, ...answer } : { running: false, ...(await readStored(config, assembly)) };
}

/** The status of a pipeline that nobody runs: what is stored is told to a State as if it had just been observed. */
export async function readStored({ name, source, tables, sinks }: Config, assembly: Assembly): Promise<Status> {
  const [checkpoints, slot, own, unused] = await Promise.all([
    assembly.checkpoints(),
    assembly.slot(),
    assembly.ownSlots(),
    assembly.unusedSlots(),
  ]);
  const state = new State({ name, slot: source.slot, tables: tables.keys(), sinks: sinks.keys() });
  const stored = [...checkpoints.values()].filter((checkpoint) => checkpoint !== null);
  // Without a position the first copy was not finished: the rows that are there will be thrown away.
  const isCopied = stored.every(({ position }) => position !== null);
  for (const [table, entry] of mergeCheckpoints(stored).tables) {
    const now = isCopied ? entry.state : ({ state: 'waiting' } as const);
    state.observe({ type: 'table', table, generation: entry.generation, ...now });
  }
  for (const [sink, checkpoint] of checkpoints) {
    if (checkpoint?.position) state.observe({ type: 'durable', sink, pos: checkpoint.position.pos });
  }
  if (slot) state.observe(slot);
  for (const [sink, seen] of own) {
    state.observe({ type: 'sink', sink, state: 'parked', slot: seen.name, own: sink });
    state.observe({ ...seen, own: sink });
  }
  const status = state.status();
  const told = Object.entries(status.sinks).map(([name, sink]) => [name, { ...sink, lag_ms: null }] as const);
  const unused_slots = unused.map(unusedStatus);
  return { ...status, sinks: Object.fromEntries(told), ...(unused.length > 0 ? { unused_slots } : {}) };
}

function unusedStatus(seen: SlotSeen): SlotStatus {
  const watch = new SlotWatch(seen.name);
  watch.slot(seen);
  return watch.status();
}

/** For people: a line for each table and sink, and what there is to do below. */
export function statusText(report: Report): string {
  const { running, name, version, position, tables, sinks, unused_slots = [], trouble } = report;
  const head = `${name}: ${running ? 'running' : 'not running'}, ${position ?? 'no position yet'} (pgveil ${version})`;
  const tableRows = Object.entries(tables).map(([table, { state, generation, rows, reason, progress, restarts }]) => [
    table,
    state,
    generation === 0 ? '-' : `generation ${generation}`,
    rows === null ? '' : `${formatCount(rows)} rows`,
    [
      ...(state === 'waiting' && reason !== undefined ? [reason] : []),
      ...(progress ? [progressText(progress)] : []),
      ...(restarts ? [`restarted ${restarts} times`] : []),
    ].join(', '),
  ]);
  const sinkRows = Object.entries(sinks).map(([sink, { state, halt, trouble, position, lag_bytes, lag_ms }]) => [
    `sink ${sink}`,
    halt ? 'halted' : state,
    position ?? '-',
    lag_bytes === null ? '' : `${formatBytes(lag_bytes)} behind`,
    [...(lag_ms === null ? [] : [`${lag_ms} ms`]), ...(trouble ? [trouble.code] : [])].join(', '),
  ]);
  const slotRows = slotsOf(report).map((slot) => {
    const { name, wal_status, retained_bytes, safe_bytes } = slot;
    return [
      `slot ${name}`,
      wal_status ?? 'not there',
      unused_slots.includes(slot) ? 'unused' : '',
      retained_bytes === null ? '' : `holds ${formatBytes(retained_bytes)}`,
      safe_bytes === null ? '' : `${formatBytes(safe_bytes)} to the limit`,
    ];
  });
  return [head, '', ...aligned([...tableRows, ...sinkRows, ...slotRows]), ...remarks({ tables, sinks, trouble })].join(
    '\n',
  );
}

function progressText({ step, estimated_rows, bytes, total_bytes, room_bytes }: CopyProgress): string {
  const parts = [
    `copy ${step}`,
    ...(estimated_rows === null ? [] : [`of about ${formatCount(estimated_rows)} rows`]),
    `${formatBytes(bytes)} of ${formatBytes(total_bytes)}`,
    ...(room_bytes === undefined ? [] : [`room ${formatBytes(room_bytes)}`]),
  ];
  return parts.join(', ');
}

function remarks({
  tables,
  sinks,
  trouble,
}: Pick<Status, 'tables' | 'sinks'> & { trouble: Notice | undefined }): string[] {
  const ofSinks = Object.entries(sinks).flatMap(([sink, { halt, trouble: away }]) =>
    [halt, away].flatMap((notice) => (notice ? [[`sink ${sink}`, notice] as const] : [])),
  );
  const ofTables = Object.entries(tables).flatMap(([table, { halt, warnings }]) =>
    [...(halt ? [halt] : []), ...warnings].map((notice) => [table, notice] as const),
  );
  const ofPipeline = trouble ? [['pipeline', trouble] as const] : [];
  const all = [...ofPipeline, ...ofSinks, ...ofTables];
  return all.flatMap(([object, { code, message, fix }]) => [
    '',
    printable(`${object}: ${code}: ${message}`),
    fixLines(fix),
  ]);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown[0]!.map((_, column) => Math.max(...shown.map((row) => widthOf(row[column]!))));
  return shown.map((row) =>
    row
      .map((cell, column) => fit(cell, widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
