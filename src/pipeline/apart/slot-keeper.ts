import { PgveilError } from '../../core/errors.ts';
import { reach } from '../../core/fault.ts';
import type { Observe } from '../../core/observer.ts';
import type { Slots } from '../../core/slots.ts';

/** The slots of sinks that read by themselves, made and dropped in the order in which somebody wanted it. */
export class SlotKeeper {
  readonly #slots: Slots;
  readonly #observe: Observe;
  #tidied: Promise<void> = Promise.resolve();

  constructor(slots: Slots, observe: Observe) {
    this.#slots = slots;
    this.#observe = observe;
  }

  /** Makes the sink one of its own: see Slots. */
  async keep(sink: string): Promise<void> {
    await this.#tidied; // or what is made were dropped
    await this.#slots.copy(sink);
  }

  /** False where no slot is free, which is told. Where the pipeline's is lost there is nothing to be kept. */
  async hasKept(sink: string): Promise<boolean> {
    try {
      await this.keep(sink);
      return true;
    } catch (error) {
      if (error instanceof PgveilError && error.code === 'slot_lost') return true;
      if (!(error instanceof PgveilError) || error.code !== 'no_free_slot') throw error;
      const { code, message, fix } = error;
      this.#observe({ type: 'trouble', part: sink, code, message, fix, retryInMs: null });
      return false;
    }
  }

  /** What the sink lacks is kept no longer. */
  async letGo(sink: string): Promise<void> {
    await this.#tidied;
    await this.#slots.drop(sink);
  }

  /** What was kept for sinks that are with the others is in the pipeline's slot, or durable. Nobody waits for this. */
  tidy(sinks: readonly string[]): void {
    this.#tidied = this.#tidied.then(async () => {
      for (const sink of sinks) await this.#drop(sink);
    });
  }

  async #drop(sink: string): Promise<void> {
    try {
      await this.#slots.drop(sink);
      reach('own slot dropped');
    } catch (error) {
      if (!(error instanceof PgveilError)) throw error;
      // The next session tries again.
      this.#observe({ type: 'step', message: `sink ${sink}: its own slot is still there: ${error.message}` });
    }
  }
}
