// A server that runs as a process of ours: Postgres, a broker, S3. Nobody ends it but whoever started it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, openSync, readFileSync } from 'node:fs';
import { type Reaper, reaper } from './reaper.ts';

export interface ServerOptions {
  /** In words: it is told when it ends unasked. */
  readonly name: string;
  readonly command: readonly [program: string, ...parameters: string[]];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** The file that all it writes is added to. */
  readonly log: string;
  /** What ends it once this process is gone: a shell command, to which its pid is `$1` and what is in `parameters` `$2`, `$3`, … */
  readonly reap: { readonly command: string; readonly parameters?: readonly string[] };
}

const TAIL_BYTES = 3_000;

export class ServerProcess {
  readonly #options: ServerOptions;
  readonly #child: ChildProcess;
  readonly #reaper: Reaper;
  #isAsked = false;
  #hasEnded = false;
  #lost: string | null = null;

  constructor(options: ServerOptions) {
    const { command, cwd, env = process.env, user, log: path, reap } = options;
    const [program, ...parameters] = command;
    const log = openSync(path, 'a');
    if (user) chownSync(path, user.uid, user.gid);
    this.#options = options;
    // A process group of its own: a signal to that of the tests (Ctrl-C, a time limit) must not take the servers from under them.
    const settings = { cwd, env, detached: true, ...user };
    this.#child = spawn(program, parameters, { ...settings, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child.unref(); // a forgotten server must not keep the test file alive; the reaper ends it
    this.#reaper = reaper(reap.command, String(this.#child.pid), ...(reap.parameters ?? []));
    this.#child.once('error', (error) => this.#ended(error.message)); // it could not be started
    this.#child.once('exit', (code, signal) => this.#ended(signal ?? `exit ${code}`));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** That it ended though nobody asked it to, with the end of its log. */
  get lost(): string | null {
    return this.#lost;
  }

  /** One that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when it has ended. `send` is how it hears of it, if not by the signal itself. */
  async end(signal: NodeJS.Signals, send: () => unknown = () => this.#child.kill(signal)): Promise<void> {
    if (this.#hasEnded) return;
    this.#isAsked = true;
    this.#child.ref();
    const ended = once(this.#child, 'exit');
    await send();
    await ended;
  }

  #ended(how: string): void {
    this.#hasEnded = true;
    this.#reaper.release(); // from now on its pid may be somebody else's
    if (this.#isAsked) return;
    this.#lost = lostText(this.#options.name, how, readFileSync(this.#options.log, 'utf8'));
    process.stderr.write(`${this.#lost}\n`); // whoever is connected hears no more than that the connection ended
  }
}

/** `how`: a signal, or an exit code. */
export function lostText(name: string, how: string, log: string): string {
  return `${name} ended (${how}), and no test asked it to; its log ends with\n${log.slice(-TAIL_BYTES)}`;
}
