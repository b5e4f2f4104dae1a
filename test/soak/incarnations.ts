// The processes of one service, one after the other: what they keep in memory, and whether any of them ended by itself.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Service, Status } from '../support/trial/service.ts';

const LOOK_EVERY_MS = 1_000;
/** Growth says something of a process that lived for so long, and nothing while it warms up. */
const LONG_MS = 10 * 60_000;
const WINDOW = 0.1;

/** Resident memory in MB of one process, looked at every second; null where there is no /proc. */
export interface Memory {
  readonly seconds: number;
  /** After a tenth of its life. */
  readonly early: number;
  readonly most: number;
  /** After so many seconds of its life it was the most. */
  readonly mostAt: number;
  readonly last: number;
  /** Median of its last tenth of that of the second one; null of a process that did not live for long. */
  readonly growth: number | null;
}

/** What a service manager does: whatever ends, is started again. Only what it ended itself is in order. */
export class Incarnations {
  readonly #start: () => Promise<Service>;
  /** Resident memory in MB, look by look, of each process. */
  readonly #resident: number[][] = [];
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #service: Service | null = null;
  /** Processes that ended though nobody wanted them to, in their own words. */
  readonly crashes: string[] = [];
  /** All that they logged as errors nobody foresaw. */
  readonly defects: string[] = [];

  private constructor(start: () => Promise<Service>) {
    this.#start = start;
    this.#watching = this.#watch();
  }

  static async begin(start: () => Promise<Service>): Promise<Incarnations> {
    const incarnations = new Incarnations(start);
    await incarnations.#next();
    return incarnations;
  }

  get service(): Service {
    return this.#service!;
  }

  /** SIGKILL, and the next one starts. */
  async kill(): Promise<void> {
    const service = this.service;
    this.#service = null;
    await service.kill();
    this.#hear(service);
    await this.#next();
  }

  /** What it says of itself; null while it does not answer. */
  async status(): Promise<Status | null> {
    const page = await this.#service?.page('/status').catch(() => null);
    return page?.code === 200 ? (JSON.parse(page.text) as Status) : null;
  }

  async isReady(): Promise<boolean> {
    return (await this.#service?.page('/ready').catch(() => null))?.code === 200;
  }

  /** As by SIGTERM; fails where that is not in order. */
  async end(): Promise<void> {
    const service = this.service;
    this.#service = null;
    this.#stop.abort();
    await this.#watching;
    await service.stop();
    this.#hear(service);
  }

  memory(): (Memory | null)[] {
    return this.#resident.map((resident) => (resident.length === 0 ? null : memoryOf(resident)));
  }

  async #next(): Promise<void> {
    const service = await this.#start();
    this.#service = service;
    this.#resident.push([]);
    void service.process.exited.then(async ({ code, signal }) => {
      if (this.#service !== service) return;
      this.crashes.push(`exit ${signal ?? code}; ${service.lastWords()}`);
      this.#hear(service);
      await this.#next();
    });
  }

  #hear({ process }: Service): void {
    this.defects.push(...process.output.split('\n').filter((line) => /"code":"internal"|error: internal/.test(line)));
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const service = this.#service;
      if (service?.isRunning) {
        const status = await readFile(`/proc/${service.process.pid}/status`, 'utf8').catch(() => '');
        const resident = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
        if (resident !== undefined) this.#resident.at(-1)!.push(Number(resident) / 1024);
      }
      await sleep(LOOK_EVERY_MS);
    }
  }
}

function memoryOf(resident: readonly number[]): Memory {
  const at = (share: number) => Math.min(resident.length - 1, Math.floor(resident.length * share));
  const medianFrom = (share: number) => median(resident.slice(at(share), at(share + WINDOW) + 1));
  const most = Math.max(...resident);
  const isLong = resident.length * LOOK_EVERY_MS >= LONG_MS;
  return {
    seconds: resident.length,
    early: Math.round(resident[at(WINDOW)]!),
    most: Math.round(most),
    mostAt: Math.round((resident.indexOf(most) * LOOK_EVERY_MS) / 1000),
    last: Math.round(resident.at(-1)!),
    growth: isLong ? Number((medianFrom(1 - WINDOW) / medianFrom(WINDOW)).toFixed(3)) : null,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
