import type { RawBatch } from '../../core/batch.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Source } from '../../core/source.ts';

/** What a run until caught up has to reach: nothing is left to copy, and all that was committed when that was so is durable. */
export class Goal {
  readonly #source: Pick<Source, 'copied' | 'end'>;
  readonly #isDurable: (lsn: Lsn) => boolean;
  readonly #hurry: () => void;
  #lsn: Lsn | null = null;
  #arrived = Promise.withResolvers<void>();

  /**
   * `isDurable`: whether everything before a position is, and nothing goes on beside the stream. `hurry`: what was read so far is to become
   * durable.
   */
  constructor(source: Pick<Source, 'copied' | 'end'>, isDurable: (lsn: Lsn) => boolean, hurry: () => void) {
    this.#source = source;
    this.#isDurable = isDurable;
    this.#hurry = hurry;
  }

  /** Resolves when it is reached. What is caught up with may stop a table, which is copied then: that moves the goal. */
  async reached(): Promise<void> {
    await this.#source.copied();
    do {
      this.#arrived = Promise.withResolvers();
      this.#lsn = await this.#source.end(); // a round trip: the batch that ended the last copy was read meanwhile
      this.#hurry();
      this.check();
      await this.#arrived.promise;
    } while (await this.#source.copied());
  }

  /** Whether what was read up to here is waited for. */
  awaits({ position }: RawBatch): boolean {
    return this.#lsn !== null && position !== null && position.pos >= this.#lsn;
  }

  /** To be called whenever more is durable, or settled. */
  check(): void {
    if (this.#lsn !== null && this.#isDurable(this.#lsn)) this.#arrived.resolve();
  }
}
