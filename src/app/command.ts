import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/units.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** Takes the exit code of the command that was run. */
export type Done = (exitCode: number) => void;

/** A command with what every one takes. */
export function addCommand(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .option('-c, --config <file>', 'the configuration', 'pgveil.yaml')
    .option('--json', 'print JSON');
}

/** `90s` or `5min`; a bare number counts seconds, as for timeout(1). */
export function duration(text: string): number {
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms === undefined) throw new InvalidArgumentError('Write a duration such as 90s or 5min.');
  return ms;
}

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}
