import type { Config } from '../../../config/config.ts';
import { PgveilError } from '../../core/errors.ts';
import type { SlotSeen } from '../../core/observer.ts';
import { mergeCheckpoints } from '../../pipeline/checkpoints.ts';
import type { Assembly } from '../assembly.ts';
import { known } from '../check/checks.ts';
import { askRunning } from '../running.ts';
import { type SlotStatus, SlotWatch } from '../state/slot-watch.ts';
import { State, type Status } from '../state/state.ts';
import type { Notice } from '../state/table-status.ts';

/** What `pgveil status` shows. */
export type Report = { readonly running: boolean } & Status;

/** `answers`: whether anything answered that was asked. */
interface Read<T> {
  readonly report: T;
  readonly answers: boolean;
}

/** What the running process says; without one, what is stored. */
export async function readStatus(config: Config, assembly: Assembly): Promise<Read<Report>> {
  const running = await askRunning(config.http, config.name);
  if (running) return { report: { running: true, ...running }, answers: true };
  const { report, answers } = await readStored(config, assembly);
  return { report: { running: false, ...report }, answers };
}

/**
 * The status of a pipeline that nobody runs: what is stored is told to a State as if it had just been observed. A source or a sink that
 * does not answer has its trouble there, as in a process that runs: it keeps nobody from seeing the rest.
 */
export async function readStored(config: Config, assembly: Assembly): Promise<Read<Status>> {
  const { name, source, tables, sinks } = config;
  const [stored, slots] = await Promise.all([assembly.checkpoints(), readSlots(assembly)]);
  const state = new State({ name, slot: source.slot, tables: tables.keys(), sinks: sinks.keys() });
  tellStored(state, config, stored);
  const isSourceAway = slots instanceof PgveilError;
  if (isSourceAway) state.observe({ type: 'trouble', part: 'source', ...noticeOf(slots), retryInMs: null });
  else tellSlots(state, slots);
  const status = state.status();
  const told = Object.entries(status.sinks).map(([sink, one]) => [sink, { ...one, lag_ms: null }] as const);
  const unused = isSourceAway ? [] : slots.unused.map(unusedStatus);
  const report = {
    ...status,
    sinks: Object.fromEntries(told),
    ...(unused.length > 0 ? { unused_slots: unused } : {}),
  };
  return { report, answers: !isSourceAway || ![...stored.values()].every((answer) => answer instanceof PgveilError) };
}

interface Slots {
  readonly slot: SlotSeen | null;
  readonly own: ReadonlyMap<string, SlotSeen>;
  readonly unused: readonly SlotSeen[];
}

async function readSlots(assembly: Assembly): Promise<Slots | PgveilError> {
  const asked = Promise.all([assembly.slot(), assembly.ownSlots(), assembly.unusedSlots()]);
  return await asked.then(([slot, own, unused]) => ({ slot, own, unused })).catch(known);
}

type Stored = Awaited<ReturnType<Assembly['checkpoints']>>;

function tellStored(state: State, { tables }: Config, answers: Stored): void {
  const said = [...answers.values()].flatMap((answer) => (answer instanceof PgveilError ? [] : [answer]));
  const stored = said.filter((checkpoint) => checkpoint !== null);
  // Without a position the first copy was not finished: the rows that are there will be thrown away.
  const isCopied = stored.every(({ position }) => position !== null);
  for (const [table, entry] of mergeCheckpoints(stored).tables) {
    const now = isCopied ? entry.state : ({ state: 'waiting' } as const);
    state.observe({ type: 'table', table, generation: entry.generation, ...now });
  }
  const reason = 'no sink says what it holds';
  if (said.length === 0) {
    for (const table of tables.keys()) state.observe({ type: 'table', table, generation: 0, state: 'waiting', reason });
  }
  for (const [sink, answer] of answers) {
    if (answer instanceof PgveilError) tellAway(state, sink, answer);
    else if (answer?.position) state.observe({ type: 'durable', sink, pos: answer.position.pos });
  }
}

function tellAway(state: State, sink: string, error: PgveilError): void {
  state.observe({ type: 'sink', sink, state: 'away', slot: null, own: sink });
  state.observe({ type: 'trouble', part: sink, ...noticeOf(error), retryInMs: null, own: sink });
}

function tellSlots(state: State, { slot, own }: Slots): void {
  if (slot) state.observe(slot);
  for (const [sink, seen] of own) {
    state.observe({ type: 'sink', sink, state: 'parked', slot: seen.name, own: sink });
    state.observe({ ...seen, own: sink });
  }
}

function noticeOf({ code, message, fix }: PgveilError): Notice {
  return { code, message, fix };
}

function unusedStatus(seen: SlotSeen): SlotStatus {
  const watch = new SlotWatch(seen.name);
  watch.slot(seen);
  return watch.status();
}
