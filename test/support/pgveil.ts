import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from './project.ts';
import { until } from './wait.ts';

/** The part of /status that tests look at (contract.md, HTTP). */
export interface Status {
  readonly position: string | null;
  readonly tables: Readonly<Record<string, TableStatus>>;
  readonly sinks: Readonly<Record<string, { readonly state: string; readonly position: string | null }>>;
  readonly slot: { readonly name: string };
}

export interface TableStatus {
  readonly state: 'waiting' | 'copying' | 'streaming' | 'halted';
  readonly generation: number;
  readonly warnings: readonly { readonly code: string }[];
  readonly halt?: { readonly code: string; readonly fix: string };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `pgveil ARGS…` as a child process: what users and service managers see of it, and nothing else. */
export class Pgveil implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly ended: Promise<Ended>;
  /** Everything written to stdout and to stderr so far. */
  stdout = '';
  stderr = '';

  /** `port`: where the configuration makes it listen. */
  constructor(args: readonly string[], port: number, environment: Readonly<Record<string, string>> = {}) {
    this.#port = port;
    this.#child = spawn(process.execPath, [join(projectRoot, 'src/app/cli.ts'), ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text) => (this.stdout += text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal; SIGKILL as a power cut would, SIGTERM as a service manager does. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Ends it as a service manager does; fails unless it is gone within ten seconds with exit code 0. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await until(() => this.ended, { what: 'pgveil to end after SIGTERM', timeout: 10_000 });
    assert.deepEqual(await this.ended, { code: 0, signal: null }, this.lastWords());
  }

  /** Resolves when it ended; fails unless with this exit code. */
  async exits(code: number, timeout = 90_000): Promise<void> {
    await until(() => this.ended, { what: () => `pgveil to end; ${this.lastWords()}`, timeout });
    assert.deepEqual(await this.ended, { code, signal: null }, this.lastWords());
  }

  /** Resolves once a fault point has killed it. */
  async dies(): Promise<void> {
    await until(() => this.ended, {
      what: () => `pgveil to reach a fault point; ${this.lastWords()}`,
      timeout: 60_000,
    });
    assert.equal((await this.ended).signal, 'SIGKILL', this.lastWords());
  }

  /** Resolves once a fault point holds it (`NAME:1:SIGSTOP`). */
  async isHeld(): Promise<void> {
    await until(
      async () => {
        this.#assertRunning();
        return /\) [Tt] /.test(await readFile(`/proc/${this.pid}/stat`, 'utf8'));
      },
      { what: 'pgveil to be held at a fault point' },
    );
  }

  /** The page's text and HTTP code, or null while nobody listens. */
  async page(path: '/live' | '/ready' | '/status' | '/metrics'): Promise<{ code: number; text: string } | null> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, { signal: AbortSignal.timeout(5_000) });
      return { code: response.status, text: await response.text() };
    } catch {
      this.#assertRunning();
      return null;
    }
  }

  async status(): Promise<Status> {
    const page = await until(() => this.page('/status'), { what: 'pgveil to answer /status' });
    return JSON.parse(page.text) as Status;
  }

  /** One number from /metrics. */
  async metric(name: string): Promise<number> {
    const page = await until(() => this.page('/metrics'), { what: 'pgveil to answer /metrics' });
    const line = page.text.split('\n').find((candidate) => candidate.replace(/\{.*\}/, '').startsWith(`${name} `));
    assert.ok(line, `/metrics has no ${name}`);
    return Number(line.slice(line.lastIndexOf(' ')));
  }

  /** Resolves once every table streams. */
  async isReady(timeout = 60_000): Promise<void> {
    await until(async () => (await this.page('/ready'))?.code === 200, {
      what: () => `/ready to be 200; ${this.lastWords()}`,
      timeout,
    });
  }

  /** Resolves once the status is as wanted; fails at once when the process ends. */
  async reaches(what: string, condition: (status: Status) => boolean, timeout = 30_000): Promise<Status> {
    return await until(
      async () => {
        const status = await this.status();
        return condition(status) ? status : null;
      },
      { what: () => `the status to show ${what}; ${this.lastWords()}`, timeout },
    );
  }

  /** Resolves once the table is halted with this code. */
  async halts(table: string, code: string): Promise<void> {
    const status = await this.reaches(`${table} halted`, ({ tables }) => tables[table]?.state === 'halted');
    assert.equal(status.tables[table]?.halt?.code, code);
  }

  /** Resident memory at its highest, in bytes. Linux only. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** The end of its output, for the message of a failed assertion. No values of rows are in there: see canaries.test.ts. */
  lastWords(): string {
    return `it said:\n${this.stdout.slice(-1_500)}\n${this.stderr.slice(-1_500)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isRunning) return;
    this.signal('SIGKILL');
    await this.ended;
  }

  #assertRunning(): void {
    if (!this.isRunning) throw new Error(`pgveil ended too early; ${this.lastWords()}`);
  }
}
