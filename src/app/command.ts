import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/units.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** Takes the exit code of the command that was run. */
export type Done = (exitCode: number) => void;

/** A command with what every one takes. `json`: what that flag prints. */
export function addCommand(program: Command, name: string, summary: string, json = 'print JSON'): Command {
  return program
    .command(name)
    .description(summary)
    .option('-c, --config <file>', 'the configuration', 'pgveil.yaml')
    .option('--json', json);
}

/** How long to wait: `90s` or `5min`; a bare number counts seconds, as for timeout(1). */
export function wait(text: string): number {
  return milliseconds(/^\d+$/.test(text) ? `${text}s` : text, '90s or 5min');
}

/** How old: `7d` or `12h`. A bare number is refused: whoever means days by it would lose what is older than as many seconds. */
export function age(text: string): number {
  return milliseconds(text, '7d or 12h');
}

function milliseconds(text: string, such: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`Write a duration such as ${such}.`);
  return ms;
}

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
