// pgveil's own command line as a child process: started, watched, killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Fault } from '../../../src/core/fault.ts';
import { DEPLOYED } from '../deployed.ts';
import { projectRoot } from '../project.ts';
import { type Reaper, reaper } from '../servers/reaper.ts';
import { PATIENCE_MS, until } from '../wait.ts';

export interface PgveilOptions {
  env?: Record<string, string>;
  /** It kills itself with SIGKILL at this fault point: `chunk committed`, or `chunk committed:3` for the third time. */
  fault?: Fault | `${Fault}:${number}`;
  cwd?: string;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Starts `pgveil ARGS` and returns at once. */
export function startPgveil(args: string[], options: PgveilOptions = {}): PgveilProcess {
  return new PgveilProcess([join(projectRoot, 'src/app/cli.ts'), ...args], options);
}

/** Runs `pgveil ARGS` to its end. */
export async function runPgveil(
  args: string[],
  options: PgveilOptions & { timeout?: number } = {},
): Promise<Ended & { stdout: string; stderr: string }> {
  await using pgveil = startPgveil(args, options);
  const { timeout = PATIENCE_MS } = options;
  const ended = await until(() => pgveil.exited, {
    what: () => `pgveil ${args.join(' ')} to end; it said\n${pgveil.output}`,
    timeout,
  });
  return { ...ended, stdout: pgveil.stdout, stderr: pgveil.stderr };
}

export class PgveilProcess implements AsyncDisposable {
  /** All that it wrote so far; `output` is both streams in the order in which they came. */
  stdout = '';
  stderr = '';
  output = '';
  /** Resolves when the process has ended and all of its output has arrived. */
  readonly exited: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #reaper: Reaper;
  #ended: Ended | null = null;

  constructor(nodeArguments: string[], { env = {}, fault, cwd = projectRoot }: PgveilOptions) {
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env; // the test runner's word to its own children
    this.#child = spawn(process.execPath, nodeArguments, {
      cwd,
      env: { ...inherited, ...DEPLOYED, ...(fault && { PGVEIL_FAULT: fault }), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#reaper = reaper('kill -CONT "$1"; kill -KILL "$1"', String(this.pid));
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.output += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.output += text;
    });
    this.#child.once('exit', () => this.#reaper.release()); // from now on its pid may be somebody else's
    this.exited = once(this.#child, 'close').then(([code, signal]) => {
      this.#ended = { code, signal };
      return this.#ended;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Sends the signal; await `exited` for its effect. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** Resolves with the match once the output, from its beginning, holds one; rejects when the process ends without. */
  async waitForOutput(pattern: RegExp, { timeout = PATIENCE_MS } = {}): Promise<RegExpExecArray> {
    return await until(
      () => {
        const match = pattern.exec(this.output);
        if (!match && this.#ended) {
          const { code, signal } = this.#ended;
          throw new Error(`pgveil ended (${signal ?? `exit ${code}`}) without ${pattern}; it said\n${this.output}`);
        }
        return match;
      },
      { what: () => `pgveil to write ${pattern}; it wrote\n${this.output}`, timeout },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited;
  }
}
