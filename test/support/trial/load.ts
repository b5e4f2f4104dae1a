import { setTimeout as sleep } from 'node:timers/promises';
import { tables } from '../lake/shop.ts';
import { RandomChanges } from '../random/changes.ts';
import { Random } from '../random/prng.ts';
import type { Servers } from './servers.ts';
import type { Trial } from './trial.ts';

const PAUSE_MS = 100;
const ROWS = 15;

/** Small transactions, about eight a second, as long as the source takes them; it goes on when the source does again. */
export class Load implements AsyncDisposable {
  readonly #servers: Servers;
  readonly #trial: Trial;
  readonly #random: Random;
  readonly #done: Promise<void>;
  #isStopped = false;
  /** How many the source took, and how many it was asked to take. */
  committed = 0;
  tries = 0;

  constructor(servers: Servers, trial: Trial, seed: number) {
    this.#servers = servers;
    this.#trial = trial;
    this.#random = new Random(seed);
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  /** A test that fails leaves no writer behind, which would keep its process alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.tries++;
      await this.#write().catch(() => {}); // The source is away, or has no room.
      await sleep(PAUSE_MS);
    }
  }

  /** What a transaction that failed did is not known: the next session reads again what is there. */
  async #write(): Promise<void> {
    const { name, sourceUrl } = this.#trial;
    await using client = await this.#servers.source.connect(name);
    const changes = await RandomChanges.open(client, sourceUrl, this.#random, Object.keys(tables));
    while (!this.#isStopped) {
      await changes.transaction(ROWS);
      this.committed++;
      this.tries++;
      await sleep(PAUSE_MS);
    }
  }
}
