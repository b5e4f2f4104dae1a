import type { Config } from '../../config/config.ts';
import { type Finding, PgveilError } from '../core/errors.ts';
import type { Left } from '../core/target.ts';
import type { Assembly, Place } from './assembly.ts';
import { asFindings, exitCodeOf } from './check/check.ts';
import { controlPath, isHeard } from './control.ts';
import { failureText } from './failure.ts';
import { askRunning } from './running.ts';
import { printable } from './show/printable.ts';
import { answersYes, requireTerminal } from './show/terminal.ts';

export interface DropOptions {
  readonly data: boolean;
  /** Whether it is to be done. */
  readonly confirm: (plan: Plan) => Promise<boolean>;
}

/** What is not removed, and why. */
interface Kept {
  /** What bears a name of ours and is somebody else's. */
  readonly others: readonly string[];
  /** What could not be looked at, or not be removed. */
  readonly errors: readonly Finding[];
}

interface Plan extends Kept {
  readonly what: readonly string[];
}

export interface Dropped extends Kept {
  readonly removed: readonly string[];
}

interface Looked extends Left {
  readonly errors: readonly Finding[];
}

/**
 * Removes what pgveil made, in all places that can be reached: one that is gone for good must not keep a slot that fills the source's disk.
 * Null when the answer was no. Rejects with `slot_in_use`, having removed nothing, while the pipeline runs.
 */
export async function drop(
  config: Config,
  assembly: Assembly,
  { data, confirm }: DropOptions,
): Promise<Dropped | null> {
  await requireEnded(config);
  const places = await Promise.all(assembly.places(data).map(look));
  const what = places.flatMap(({ remains }) => remains.map((one) => one.what));
  const others = places.flatMap((place) => place.others);
  const errors = places.flatMap((place) => place.errors);
  const running = errors.find(saysRunning);
  if (running) throw new PgveilError(running.code, running.message, { fix: running.fix });
  if (what.length > 0 && !(await confirm({ what, others, errors }))) return null;
  const removed: string[] = [];
  for (const { remains } of places) {
    const failed = await removeAll(remains, removed);
    errors.push(...failed);
    if (failed.some(saysRunning)) break; // it was started since
  }
  return { removed, others, errors };
}

/** By its page or its socket: a source that is away cannot tell. */
async function requireEnded(config: Config): Promise<void> {
  if (!(await askRunning(config.http, config.name)) && !(await isHeard(controlPath(config)))) return;
  throw new PgveilError('slot_in_use', `${config.name} is running`, { fix: 'Stop it first.' });
}

async function look(place: Place): Promise<Looked> {
  try {
    return { ...(await place.look()), errors: [] };
  } catch (error) {
    return { remains: [], others: [], errors: asLeft(error, place.name) };
  }
}

/** Up to the first that fails: what stands behind it may be what tells, the next time, that it is ours. */
async function removeAll(remains: Left['remains'], removed: string[]): Promise<Finding[]> {
  for (const { what, remove } of remains) {
    try {
      await remove();
    } catch (error) {
      return asLeft(error, what);
    }
    removed.push(what);
  }
  return [];
}

function asLeft(error: unknown, object: string): Finding[] {
  const again = 'Then the same command again removes what is left.';
  return asFindings(error, object).map((one) => (saysRunning(one) ? one : { ...one, fix: `${one.fix}\n${again}` }));
}

function saysRunning({ code }: Finding): boolean {
  return code === 'slot_in_use';
}

/** Asks at the terminal. Where there is none, `--yes` is the only answer. */
export async function askBeforeDrop({ what, others, errors }: Plan): Promise<boolean> {
  requireTerminal('drop asks first, and there is no terminal to ask at', 'Add --yes.');
  const parts = [`This removes for good:\n${list(what)}`];
  if (others.length > 0) parts.push(`This is not pgveil’s, and stays:\n${list(others)}`);
  if (errors.length > 0)
    parts.push(
      `What could not be looked at stays for now, and whether the pipeline runs there is not known:\n${list(errors.map(({ object, message }) => `${object}: ${message}`))}`,
    );
  return await answersYes(parts.join('\n'));
}

function list(what: readonly string[]): string {
  return what.map((one) => `  ${one}`).join('\n');
}

/** 0 when nothing that pgveil made is left, or the answer was no. */
export function dropExitCode(dropped: Dropped | null): number {
  return exitCodeOf(dropped?.errors ?? []);
}

export function droppedJson(dropped: Dropped | null): string {
  const { removed, others, errors } = dropped ?? { removed: [], others: [], errors: [] };
  return JSON.stringify({ removed, left_alone: others, errors });
}

export function droppedText(dropped: Dropped | null): string {
  if (!dropped) return 'nothing was removed';
  const { removed, others, errors } = dropped;
  const lines = [
    ...removed.map((what) => `removed ${what}`),
    ...(removed.length === 0 && errors.length === 0 ? ['there was nothing to remove'] : []),
    ...others.map((what) => `not pgveil’s, left alone: ${what}`),
  ].map(printable);
  if (errors.length > 0) lines.push(failureText({ exitCode: dropExitCode(dropped), problems: errors, frames: [] }));
  return lines.join('\n');
}
