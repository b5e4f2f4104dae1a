import type { SinkStatus } from './sink-watch.ts';
import type { SlotStatus } from './slot-watch.ts';
import { isSecond, type Status, slotsOf } from './state.ts';
import type { TableStatus } from './table-status.ts';

/** Called for each value of a gauge; null is unknown, and left out. */
export type SetGauge = (labels: Readonly<Record<string, string>>, value: number | null) => void;

/** What holds now, read from the status when somebody asks. Help texts stand in docs/08-operations.md as well. */
export interface StatusGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Of this process, and known also while another one has the pipeline. */
  readonly isOfProcess?: true;
  fill(status: Status, set: SetGauge): void;
}

const TABLE_STATES: readonly TableStatus['state'][] = ['waiting', 'copying', 'streaming', 'halted'];
const WAL_STATUSES = ['reserved', 'extended', 'unreserved', 'lost'];
const ALARMS = ['wal_retained', 'wal_time_left', 'wal_limit', 'sync_standby'];

export const GAUGES: readonly StatusGauge[] = [
  {
    name: 'waiting',
    help: '1 while another instance has the pipeline, and only that one tells of tables, sinks and slots; else 0',
    labels: [],
    isOfProcess: true,
    fill: (status, set) => set({}, Number(isSecond(status))),
  },
  {
    name: 'table_state',
    help: '1 for the state that the table is in (waiting, copying, streaming, halted), 0 for the others',
    labels: ['table', 'state'],
    fill: ({ tables }, set) => {
      for (const [table, status] of Object.entries(tables))
        for (const state of TABLE_STATES) set({ table, state }, Number(status.state === state));
    },
  },
  {
    name: 'table_halted',
    help: '1 for each table that is halted, with the code of docs/errors.md that says why',
    labels: ['table', 'code'],
    fill: ({ tables }, set) => {
      for (const [table, { halt }] of Object.entries(tables)) if (halt) set({ table, code: halt.code }, 1);
    },
  },
  byTable('table_generation', 'Which copy of the table is in force or in the making', (table) => table.generation),
  byTable('table_restarts', 'Copies of the table that failed since it streamed last', (table) => table.restarts ?? 0),
  byTable(
    'copy_rows',
    'Rows of the table’s present copy so far; nothing where an earlier process made it',
    (table) => table.rows,
  ),
  byTable('copy_bytes', 'Bytes copied, while the table is copied', (table) => table.progress?.bytes ?? null),
  byTable(
    'copy_expected_bytes',
    'Bytes to copy, estimated, while the table is copied',
    (table) => table.progress?.total_bytes ?? null,
  ),
  bySink('sink_live', '1 unless the sink is parked', (sink) => Number(sink.state === 'live')),
  {
    name: 'sink_halted',
    help: '1 for each parked sink that waits for a person, with the code of docs/errors.md that says why',
    labels: ['sink', 'code'],
    fill: ({ sinks }, set) => {
      for (const [sink, { halt }] of Object.entries(sinks)) if (halt) set({ sink, code: halt.code }, 1);
    },
  },
  bySink('sink_lag_bytes', 'WAL that the sink does not hold durably', (sink) => sink.lag_bytes),
  bySink(
    'sink_lag_seconds',
    'Age of the oldest commit that the sink does not hold durably, 0 if there is none; while nothing arrives though the source writes, the time since then',
    (sink) => (sink.lag_ms === null ? null : sink.lag_ms / 1000),
  ),
  bySlot('slot_retained_bytes', 'WAL that the slot keeps on the source', (slot) => slot.retained_bytes),
  bySlot(
    'slot_safe_bytes',
    'WAL that may still be written before the slot is lost; nothing without max_slot_wal_keep_size',
    (slot) => slot.safe_bytes,
  ),
  bySlot(
    'slot_time_left_seconds',
    'Until the slot is lost if it does not move, at the present rate of WAL; nothing without a limit',
    (slot) => slot.seconds_left,
  ),
  {
    name: 'slot_wal_status',
    help: '1 for what the server says of the slot’s WAL (reserved, extended, unreserved, lost), 0 for the others',
    labels: ['slot', 'status'],
    fill: (status, set) => {
      for (const { name: slot, wal_status } of slotsOf(status))
        if (wal_status !== null) for (const one of WAL_STATUSES) set({ slot, status: one }, Number(one === wal_status));
    },
  },
  {
    name: 'slot_alarm',
    help: '1 while the slot is beyond what the code stands for (wal_retained, wal_time_left, wal_limit, sync_standby), else 0',
    labels: ['slot', 'code'],
    fill: (status, set) => {
      for (const { name: slot, alarms } of slotsOf(status))
        for (const code of ALARMS) set({ slot, code }, Number(alarms.some((alarm) => alarm.code === code)));
    },
  },
  {
    name: 'source_wal_bytes_per_second',
    help: 'WAL that the source writes, all its databases together, smoothed over a minute',
    labels: [],
    fill: ({ slot }, set) => set({}, slot.rate_bytes_per_s),
  },
  {
    name: 'build_info',
    help: 'Always 1, with the version that runs',
    labels: ['version'],
    isOfProcess: true,
    fill: ({ version }, set) => set({ version }, 1),
  },
];

function byTable(name: string, help: string, read: (table: TableStatus) => number | null): StatusGauge {
  const fill: StatusGauge['fill'] = ({ tables }, set) => {
    for (const [table, status] of Object.entries(tables)) set({ table }, read(status));
  };
  return { name, help, labels: ['table'], fill };
}

function bySink(name: string, help: string, read: (sink: SinkStatus) => number | null): StatusGauge {
  const fill: StatusGauge['fill'] = ({ sinks }, set) => {
    for (const [sink, status] of Object.entries(sinks)) set({ sink }, read(status));
  };
  return { name, help, labels: ['sink'], fill };
}

function bySlot(name: string, help: string, read: (slot: SlotStatus) => number | null): StatusGauge {
  const fill: StatusGauge['fill'] = (status, set) => {
    for (const slot of slotsOf(status)) set({ slot: slot.name }, read(slot));
  };
  return { name, help, labels: ['slot'], fill };
}
