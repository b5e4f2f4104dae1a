import { createInterface } from 'node:readline/promises';
import { PgveilError } from '../../core/errors.ts';
import { printable } from './printable.ts';

/** Nobody is asked where nobody could answer. */
export function requireTerminal(message: string, fix: string): void {
  if (!process.stdin.isTTY) throw new PgveilError('command_line', message, { fix });
}

export async function answersYes(told: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const lines = told.split('\n').map(printable).join('\n');
    return (await terminal.question(`${lines}\nType yes to go on: `)).trim() === 'yes';
  } finally {
    terminal.close();
  }
}
