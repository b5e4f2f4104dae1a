import type { Checkpoint } from '../../core/checkpoint.ts';
import type { PgveilError } from '../../core/errors.ts';
import type { Sink } from '../../core/sink.ts';
import { naming } from '../naming.ts';
import { isOfOneSink } from '../passing.ts';

export interface OpenedSinks {
  /** What those hold that answered; they are open. */
  readonly opened: ReadonlyMap<string, Checkpoint>;
  /** Why the others did not. */
  readonly away: ReadonlyMap<string, PgveilError>;
}

/**
 * Opens all of them at once, since those that were together before wait for it. `hasRun`: whether the pipeline ever worked; a checkpoint
 * says so, too. Rejects where nobody answers or what one says is no trouble of its own: when each has answered, and some may be open.
 */
export async function openAll(
  sinks: ReadonlyMap<string, Sink>,
  hasRun: boolean,
  signal: AbortSignal,
): Promise<OpenedSinks> {
  const answers = await Promise.all([...sinks].map((one) => answerOf(one, signal)));
  const opened = new Map(answers.flatMap(({ name, checkpoint }) => (checkpoint ? [[name, checkpoint] as const] : [])));
  const everRan = hasRun || [...opened.values()].some(({ position }) => position !== null);
  const away = new Map<string, PgveilError>();
  for (const { name, checkpoint, error } of answers) {
    if (checkpoint) continue;
    if (!isOfOneSink(error, everRan)) throw error;
    away.set(name, error);
  }
  if (opened.size === 0) throw reasonOf(away);
  return { opened, away };
}

/** Why nobody reads: one of those that are away is as good as another. */
export function reasonOf(away: OpenedSinks['away']): PgveilError {
  return [...away.values()][0]!;
}

interface Answer {
  readonly name: string;
  readonly checkpoint?: Checkpoint;
  readonly error?: unknown;
}

async function answerOf([name, sink]: readonly [string, Sink], signal: AbortSignal): Promise<Answer> {
  try {
    return { name, checkpoint: await naming(name, sink.open(signal)) };
  } catch (error) {
    return { name, error };
  }
}
