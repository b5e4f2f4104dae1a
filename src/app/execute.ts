import { CommanderError } from 'commander';
import type { Assemble } from './assembly.ts';
import { commandLineError, createProgram } from './command-line.ts';
import { CommandSet } from './commands.ts';
import { type Failure, failureJson, failureOf, failureText } from './failure.ts';
import { assertNode } from './node.ts';
import type { Output } from './show/screen.ts';

/** Does what the command line says; resolves with the exit code, whatever happens. Results go to `out`, failures to `err`. */
export async function execute(argv: readonly string[], assemble: Assemble, out: Output, err: Output): Promise<number> {
  let exitCode = 0;
  const print = (text: string) => out.write(text);
  const program = createProgram(new CommandSet(assemble, out, err), print, (code) => {
    exitCode = code;
  });
  try {
    assertNode(process.versions.node);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    // Help and the version come as errors, too.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const failure = failureOf(thrown instanceof CommanderError ? commandLineError(thrown, program, argv) : thrown);
    report(failure, argv.includes('--json'), err);
    return failure.exitCode;
  }
}

export function report(failure: Failure, json: boolean, err: Output): void {
  err.write(`${json ? failureJson(failure) : failureText(failure)}\n`);
}
