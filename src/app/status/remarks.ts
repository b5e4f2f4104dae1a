import { type Status, slotsOf } from '../state/state.ts';
import type { Notice } from '../state/table-status.ts';

/** What is to be said of some part of a pipeline, with its fix. */
export interface Remark {
  /** `pipeline`, `sink lake`, `slot pgveil_shop`, or the table. */
  readonly about: string;
  readonly notice: Notice;
  /** Whether that part does nothing until it is mended. */
  readonly isHalt: boolean;
}

export function pipelineRemarks({ trouble }: Status): Remark[] {
  return remarks('pipeline', trouble, []);
}

export function sinkRemarks({ sinks }: Status): Remark[] {
  return Object.entries(sinks).flatMap(([name, { halt, trouble, alarms = [] }]) =>
    remarks(`sink ${name}`, halt, trouble ? [trouble, ...alarms] : alarms),
  );
}

export function slotRemarks(status: Status): Remark[] {
  return slotsOf(status).flatMap(({ name, alarms }) => remarks(`slot ${name}`, undefined, alarms));
}

export function tableRemarks({ tables }: Status): Remark[] {
  return Object.entries(tables).flatMap(([name, { halt, warnings }]) => remarks(name, halt, warnings));
}

function remarks(about: string, halt: Notice | undefined, warnings: readonly Notice[]): Remark[] {
  const warned = warnings.map((notice) => ({ about, notice, isHalt: false }));
  return halt ? [{ about, notice: halt, isHalt: true }, ...warned] : warned;
}
