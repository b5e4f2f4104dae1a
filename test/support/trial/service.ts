import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type Canary, type Sighting, scanBytes } from '../judge/canary.ts';
import { PATIENCE_MS, until } from '../wait.ts';
import type { Ended, PgveilProcess } from './process.ts';

/** The part of /status that tests look at (docs/08-operations.md). */
export interface Status {
  readonly position: string | null;
  readonly tables: Readonly<Record<string, TableStatus>>;
  readonly sinks: Readonly<Record<string, SinkStatus>>;
  readonly slot: SlotStatus;
  readonly copy_slots?: readonly SlotStatus[];
}

interface SlotStatus {
  readonly name: string;
  readonly retained_bytes: number | null;
  readonly safe_bytes: number | null;
  readonly rate_bytes_per_s: number | null;
  readonly seconds_left: number | null;
  readonly alarms: readonly { readonly code: string }[];
}

export interface SinkStatus {
  readonly state: 'live' | 'parked';
  readonly position: string | null;
  readonly lag_ms: number | null;
  readonly slot?: { readonly name: string; readonly retained_bytes: number | null };
  readonly halt?: { readonly code: string; readonly fix: string };
  readonly alarms?: readonly { readonly code: string; readonly message: string; readonly fix: string }[];
}

export interface TableStatus {
  readonly state: 'waiting' | 'copying' | 'streaming' | 'halted';
  readonly generation: number;
  readonly reason?: string;
  readonly progress?: {
    readonly step: string;
    readonly rows: number;
    readonly estimated_rows: number | null;
    readonly room_bytes?: number;
  };
  readonly restarts?: number;
  readonly sinks?: Readonly<Record<string, string>>;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly halt?: { readonly code: string; readonly message: string; readonly fix: string };
}

/** Many times what a page takes on a machine that has much else to do; one that is held answers nobody. */
const ANSWER_MS = 60_000;

/** A running `pgveil run`: what users and service managers see of it, and nothing else. */
export class Service implements AsyncDisposable {
  readonly process: PgveilProcess;
  readonly #port: number;
  #ended: Ended | null = null;

  /** `port`: where its configuration makes it listen. */
  constructor(process: PgveilProcess, port: number) {
    this.process = process;
    this.#port = port;
    this.process.exited.then((ended) => {
      this.#ended = ended;
    });
  }

  get isRunning(): boolean {
    return this.#ended === null;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited;
  }

  /** Ends it as a service manager does; fails unless it is gone within ten seconds with exit code 0. */
  async stop(): Promise<void> {
    this.process.kill('SIGTERM');
    await until(() => this.process.exited, { what: 'pgveil to end after SIGTERM', timeout: 10_000 });
    assert.deepEqual(await this.process.exited, { code: 0, signal: null }, this.lastWords());
  }

  /** Resolves when it ended; fails unless with this exit code. */
  async exits(code: number, timeout = PATIENCE_MS): Promise<void> {
    await until(() => this.process.exited, { what: () => `pgveil to end; ${this.lastWords()}`, timeout });
    assert.deepEqual(await this.process.exited, { code, signal: null }, this.lastWords());
  }

  /** Resolves once a fault point has killed it. */
  async dies(): Promise<void> {
    await until(() => this.process.exited, { what: () => `pgveil to reach a fault point; ${this.lastWords()}` });
    assert.equal((await this.process.exited).signal, 'SIGKILL', this.lastWords());
  }

  /** Whether a fault point holds it (`NAME:1:SIGSTOP`). Linux only. */
  async isHeld(): Promise<boolean> {
    this.#assertRunning();
    return /\) [Tt] /.test(await readFile(`/proc/${this.process.pid}/stat`, 'utf8'));
  }

  /** Resolves once a fault point holds it. */
  async holds(timeout = PATIENCE_MS): Promise<void> {
    const what = () => `pgveil to be held at a fault point; ${this.lastWords()}`;
    await until(() => this.isHeld(), { what, timeout });
  }

  /** The page's text and HTTP code, or null while nobody listens. */
  async page(path: '/live' | '/ready' | '/status' | '/metrics'): Promise<{ code: number; text: string } | null> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
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

  /** One series of /metrics, by its name and all its labels; null while there is none. */
  async metric(series: string): Promise<number | null> {
    const page = await until(() => this.page('/metrics'), { what: 'pgveil to answer /metrics' });
    const line = page.text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? null : Number(line.slice(series.length));
  }

  /** Resolves once every table streams. */
  async isReady(timeout = PATIENCE_MS): Promise<void> {
    await until(async () => (await this.page('/ready'))?.code === 200, {
      what: () => `/ready to be 200; ${this.lastWords()}`,
      timeout,
    });
  }

  /** Resolves once the status is as wanted; fails at once when the process ends. */
  async reaches(what: string, condition: (status: Status) => boolean, timeout = PATIENCE_MS): Promise<Status> {
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

  /** Resolves once the table streams in a later generation. */
  async copiesAnew(table: string, after: number, timeout = PATIENCE_MS): Promise<void> {
    const isCopied = ({ tables }: Status) => {
      const { state, generation } = tables[table]!;
      return state === 'streaming' && generation > after;
    };
    await this.reaches(`${table} in a generation after ${after}`, isCopied, timeout);
  }

  /** Resident memory at its highest, in bytes. Linux only. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** Where a canary is in its output and, while it runs, in its pages. */
  async sightings(canaries: readonly Canary[]): Promise<Sighting[]> {
    const found = scanBytes(this.process.output, canaries, 'the output of pgveil');
    if (!this.isRunning) return found;
    for (const path of ['/live', '/ready', '/status', '/metrics'] as const) {
      found.push(...scanBytes((await this.page(path))?.text ?? '', canaries, path));
    }
    return found;
  }

  /** The end of its output, for the message of a failed assertion. No values of rows are in there: see canaries.test.ts. */
  lastWords(): string {
    return `it said:\n${this.process.output.slice(-3_000)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  #assertRunning(): void {
    if (!this.isRunning) throw new Error(`pgveil ended too early; ${this.lastWords()}`);
  }
}
