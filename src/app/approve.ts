import { PgveilError } from '../core/errors.ts';
import { askApproval } from './control.ts';
import { answersYes, requireTerminal } from './show/terminal.ts';

/** What is approved without its hash has to be seen first: asks for it, shows it, and returns the hash when the answer was yes. */
export async function showAndAsk(path: string, table: string): Promise<string> {
  requireTerminal('approve shows a definition first, and there is no terminal to show it at', 'Write TABLE@HASH.');
  const { hash, moved } = await askApproval(path, table);
  if (await answersYes(`${table}: ${moved}.\nIts definition is ${hash}. Decisions will go by these names.`))
    return hash;
  throw new PgveilError('command_line', 'nothing was approved', { fix: 'Type yes to approve it.' });
}
