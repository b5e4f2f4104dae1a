import type { Config } from '../../config/config.ts';
import { PgveilError } from '../core/errors.ts';
import type { Assembly } from './assembly.ts';
import { askRunning } from './running.ts';
import { answersYes, requireTerminal } from './show/terminal.ts';

export interface DropOptions {
  readonly data: boolean;
  /** Whether it is to be done; told what would be removed. */
  readonly confirm: (what: readonly string[]) => Promise<boolean>;
}

/** Removes what pgveil made and returns what that was; null when the answer was no. */
export async function drop(config: Config, assembly: Assembly, options: DropOptions): Promise<string[] | null> {
  if (await askRunning(config.http, config.name)) {
    throw new PgveilError('slot_in_use', `${config.name} is running`, { fix: 'Stop it first.' });
  }
  const remains = await assembly.remains(options.data);
  const what = remains.map((one) => one.what);
  if (what.length > 0 && !(await options.confirm(what))) return null;
  for (const one of remains) await one.remove();
  return what;
}

/** Asks at the terminal. Where there is none, `--yes` is the only answer. */
export async function askBeforeDrop(what: readonly string[]): Promise<boolean> {
  requireTerminal('drop asks first, and there is no terminal to ask at', 'Add --yes.');
  return await answersYes(`This removes for good:\n${list(what)}`);
}

function list(what: readonly string[]): string {
  return what.map((one) => `  ${one}`).join('\n');
}
