import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../project.ts';
import { until } from '../wait.ts';
import type { Service } from './service.ts';

const PRELOAD = pathToFileURL(join(projectRoot, 'test/support/trial/clock-preload.ts')).href;

/** The twin's: a broker takes nothing from a clock that is ahead of its own by more than an hour, and its sink flushes no more. */
const FLUSHED = 'pgveil_sink_last_flush_timestamp_seconds{sink="twin"}';
/** What a flush may be old by. */
const NEAR_MS = 600_000;

/** The clock of a service that was started with `Clock.environment`: see clock-preload.ts. */
export class Clock {
  readonly #service: Service;
  readonly #file: string;

  constructor(service: Service, file: string) {
    this.#service = service;
    this.#file = file;
  }

  static environment(file: string): Record<string, string> {
    return { NODE_OPTIONS: `--import=${PRELOAD}`, PGVEIL_TEST_CLOCK: file };
  }

  /** Against the machine's own. Resolves once the service goes by it. */
  async move(ms: number): Promise<void> {
    await writeFile(`${this.#file}.new`, String(ms));
    await rename(`${this.#file}.new`, this.#file);
    this.#service.process.kill('SIGUSR2');
    const isMoved = async () => {
      const seconds = await this.#service.metric(FLUSHED);
      return seconds !== null && Math.abs(seconds * 1000 - Date.now() - ms) < NEAR_MS;
    };
    const what = () => `the service’s clock to be moved; ${this.#service.lastWords()}`;
    await until(isMoved, { what, interval: 200 });
  }
}
