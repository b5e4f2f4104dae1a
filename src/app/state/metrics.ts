import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Lsn } from '../../core/lsn.ts';
import type { Observation } from '../../core/observer.ts';
import { codesOfRestarts } from '../known-errors.ts';
import { GAUGES, type StatusGauge } from './gauges.ts';
import { isSecond, type State } from './state.ts';

/**
 * The metrics of one process. What happens is counted as it is observed; what holds is read from the state when somebody
 * asks (gauges.ts). Labels are names of tables, sinks and slots, states, and codes of errors, nothing else. docs/08-operations.md lists them all.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #state: State;
  readonly #changes = this.#counter('changes_total', 'Changes that every sink was given, copies aside', 'table');
  readonly #withheld = this.#counter('withheld_cells_total', 'Cells that no rule could rewrite, sent as NULL', 'table');
  readonly #repaired = this.#counter(
    'rows_repaired_total',
    'Updated rows that the twin lacked, written whole',
    'table',
  );
  readonly #troubles = this.#counter('troubles_total', 'Failures after which the pipeline started again', 'code');
  readonly #flushes = this.#counter('sink_flushes_total', 'Times that a sink made durable what it had', 'sink');
  readonly #flushed = this.#gauge(
    'sink_last_flush_timestamp_seconds',
    'When the sink last made something durable, in seconds since 1970',
    ['sink'],
  );
  readonly #ready = this.#gauge('ready', '1 when /ready is 200: every table streams, and no sink is parked', []);
  readonly #gauges = new Map<StatusGauge, Gauge>();
  readonly #positions = new Map<string, Lsn>();

  constructor(state: State) {
    this.#state = state;
    for (const gauge of GAUGES) this.#gauges.set(gauge, this.#gauge(gauge.name, gauge.help, gauge.labels));
    collectDefaultMetrics({ register: this.#registry, prefix: 'pgveil_' });
    this.#startAtZero();
  }

  observe(seen: Observation): void {
    // The others were given the same changes.
    if (seen.type === 'changes' && seen.own !== undefined) return;
    if (seen.type === 'changes') this.#changes.inc({ table: seen.table }, seen.rows);
    else if (seen.type === 'withheld') this.#withheld.inc({ table: seen.table }, seen.cells);
    else if (seen.type === 'repaired') this.#repaired.inc({ table: seen.table }, seen.rows);
    else if (seen.type === 'trouble') this.#troubles.inc({ code: seen.code });
    else if (seen.type === 'durable') this.#durable(seen.sink, seen.pos);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus's text format. */
  text(): Promise<string> {
    const status = this.#state.status();
    for (const [{ labels, isOfProcess, fill }, gauge] of this.#gauges) {
      gauge.reset();
      // A gauge without labels starts at 0 after that: what is not known must not look like nothing.
      if (labels.length === 0) gauge.remove();
      if (isSecond(status) && !isOfProcess) continue;
      fill(status, (under, value) => {
        if (value !== null) gauge.set(under, value);
      });
    }
    this.#ready.set(Number(this.#state.reasons().length === 0));
    return this.#registry.metrics();
  }

  /** A counter that first appears with what it counts has not grown, as Prometheus sees it: its alert would miss the first. */
  #startAtZero(): void {
    const { tables, sinks } = this.#state.status();
    for (const table of Object.keys(tables)) {
      for (const counter of [this.#changes, this.#withheld, this.#repaired]) counter.inc({ table }, 0);
    }
    for (const sink of Object.keys(sinks)) this.#flushes.inc({ sink }, 0);
    for (const code of codesOfRestarts()) this.#troubles.inc({ code }, 0);
  }

  /** At a start each sink tells where it stands: that is no flush. */
  #durable(sink: string, pos: Lsn): void {
    const before = this.#positions.get(sink);
    this.#positions.set(sink, pos);
    if (before === undefined || pos === before) return;
    this.#flushes.inc({ sink });
    this.#flushed.set({ sink }, Date.now() / 1000);
  }

  #counter<L extends string>(name: string, help: string, label: L): Counter<L> {
    return new Counter({ name: `pgveil_${name}`, help, labelNames: [label], registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labels: readonly string[]): Gauge {
    return new Gauge({ name: `pgveil_${name}`, help, labelNames: [...labels], registers: [this.#registry] });
  }
}
