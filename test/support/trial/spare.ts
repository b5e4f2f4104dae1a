// Three sinks, a twin, a spare twin and a lake, of which the spare one is away for a while.
import { assertBothEqual } from '../lake/lake.ts';
import { SETUP, tables } from '../lake/shop.ts';
import { until } from '../wait.ts';
import type { Servers } from './servers.ts';
import type { Service, Status } from './service.ts';
import type { Trial } from './trial.ts';

/** `spare`: more keys of that sink. */
export async function spareTrial(servers: Servers, spare: Record<string, unknown>): Promise<Trial> {
  return await servers.trial(SETUP, tables, { memory: '32MB', lake: {}, spare, workers: 1 });
}

export const isParked = ({ sinks }: Status) => sinks.spare?.state === 'parked' && sinks.spare.slot !== undefined;
export const isLive = ({ sinks }: Status) => sinks.spare?.state === 'live';

export async function assertAllEqual(trial: Trial): Promise<void> {
  await assertBothEqual(trial);
  await trial.assertEqual(tables, trial.spareUrl);
}

/** What kept the WAL of single sinks is gone. */
export async function keepsOneSlot(trial: Trial): Promise<void> {
  await until(async () => (await trial.slots()).join() === trial.slot, {
    what: 'all slots but one to be gone',
  });
}

/** The sinks are together again, hold everything through one slot, and are equal to the source after a graceful end. */
export async function endsTogether(trial: Trial, service: Service): Promise<void> {
  await service.isReady();
  await trial.holdsAll(service);
  await keepsOneSlot(trial);
  await service.stop();
  await assertAllEqual(trial);
}

/** The relation that holds the table in the twin, or in `database`, a session on another one. */
export async function generationOf(trial: Trial, table: string, database = trial.twin): Promise<string> {
  const sql = 'SELECT relation FROM pgveil.generation WHERE source_table = $1 AND root IS NOT NULL';
  return (await database.query(sql, [table])).rows[0].relation;
}

/** The two that are there hold everything that is committed by now. */
export async function othersHoldAll(trial: Trial, pgveil: Service): Promise<void> {
  const end = await trial.sourceEnd();
  await trial.source.query(`SELECT pg_logical_emit_message(false, 'test', repeat(' ', 100000))`);
  const hasMoved = async () => (await trial.confirmed())! >= end;
  await until(hasMoved, { what: () => `the slot to move; ${pgveil.lastWords()}` });
}
