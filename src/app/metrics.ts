import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Observation } from '../core/observer.ts';
import type { State, Status } from './state.ts';
import type { TableStatus } from './table-status.ts';

const TABLE_STATES = ['waiting', 'copying', 'streaming', 'halted'] as const satisfies readonly TableStatus['state'][];

/**
 * The metrics of one process. What happens is counted as it is observed; what holds is read from the state when somebody
 * asks. Labels are names of tables and sinks and codes of errors, nothing else.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #state: State;
  readonly #changes = this.#counter('changes_total', 'Changes that the twin was given', 'table');
  readonly #withheld = this.#counter('withheld_cells_total', 'Cells that no rule could rewrite, sent as NULL', 'table');
  readonly #repaired = this.#counter(
    'rows_repaired_total',
    'Updated rows that the twin lacked, written whole',
    'table',
  );
  readonly #troubles = this.#counter('troubles_total', 'Failures that stopped the pipeline for a while', 'code');

  constructor(state: State) {
    this.#state = state;
    collectDefaultMetrics({ register: this.#registry, prefix: 'pgveil_' });
    this.#tableGauges();
    this.#sinkGauges();
    this.#pipelineGauges();
  }

  observe(seen: Observation): void {
    // The others were given the same changes.
    if (seen.type === 'changes' && seen.own !== undefined) return;
    if (seen.type === 'changes') this.#changes.inc({ table: seen.table }, seen.rows);
    else if (seen.type === 'withheld') this.#withheld.inc({ table: seen.table }, seen.cells);
    else if (seen.type === 'repaired') this.#repaired.inc({ table: seen.table }, seen.rows);
    else if (seen.type === 'trouble') this.#troubles.inc({ code: seen.code });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<L extends string>(name: string, help: string, label: L): Counter<L> {
    return new Counter({ name: `pgveil_${name}`, help, labelNames: [label], registers: [this.#registry] });
  }

  /** A gauge that is filled from the status at every scrape; a null is left out. */
  #gauge(name: string, help: string, labelNames: string[], fill: (status: Status, set: SetGauge) => void): void {
    const state = this.#state;
    new Gauge({
      name: `pgveil_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        // A gauge without labels starts at 0 after that: what is not known must not look like nothing.
        if (labelNames.length === 0) this.remove();
        fill(state.status(), (labels, value) => {
          if (value !== null) this.set(labels, value);
        });
      },
    });
  }

  #tableGauges(): void {
    this.#tableGauge('table_generation', 'Which copy of the table is in force or in the making', (t) => t.generation);
    this.#tableGauge('copy_rows', 'Rows of the present copy so far', (t) => t.rows);
    this.#tableGauge('copy_bytes', 'Bytes copied, while the table is copied', (t) => t.progress?.bytes ?? null);
    this.#tableGauge('copy_total_bytes', 'Bytes to copy, estimated', (t) => t.progress?.total_bytes ?? null);
    this.#gauge('table_state', '1 for the state that the table is in', ['table', 'state'], ({ tables }, set) => {
      for (const [table, status] of Object.entries(tables)) {
        for (const state of TABLE_STATES) set({ table, state }, Number(status.state === state));
      }
    });
  }

  #tableGauge(name: string, help: string, read: (table: TableStatus) => number | null): void {
    this.#gauge(name, help, ['table'], ({ tables }, set) => {
      for (const [table, status] of Object.entries(tables)) set({ table }, read(status));
    });
  }

  #sinkGauges(): void {
    const gauge = (name: string, help: string, read: (sink: Status['sinks'][string]) => number | null) =>
      this.#gauge(name, help, ['sink'], ({ sinks }, set) => {
        for (const [sink, status] of Object.entries(sinks)) set({ sink }, read(status));
      });
    gauge('sink_live', '1 unless the sink is parked', (sink) => Number(sink.state === 'live'));
    gauge('sink_lag_bytes', 'WAL that the sink lacks', (sink) => sink.lag_bytes);
    gauge('sink_lag_seconds', 'Age of the oldest commit that the sink does not hold durably', (sink) =>
      sink.lag_ms === null ? null : sink.lag_ms / 1000,
    );
  }

  #pipelineGauges(): void {
    this.#gauge('ready', '1 once every table streams and no sink is parked', [], (_, set) =>
      set({}, Number(this.#state.reasons().length === 0)),
    );
    this.#gauge('slot_retained_bytes', 'WAL that the slot keeps on the source', [], ({ slot }, set) =>
      set({}, slot.retained_bytes),
    );
    this.#gauge('slot_safe_bytes', 'WAL that may still be written before the slot is lost', [], ({ slot }, set) =>
      set({}, slot.safe_bytes),
    );
    this.#gauge('build_info', 'Always 1', ['version'], ({ version }, set) => set({ version }, 1));
  }
}

type SetGauge = (labels: Record<string, string>, value: number | null) => void;
