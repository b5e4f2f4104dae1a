import type { Observe } from '../../src/core/observer.ts';
import { type Blocker, named, releaseOf } from '../../src/postgres/blockers.ts';
import type { TellBlockers } from '../../src/postgres/guard.ts';

/** Whose locks the sessions of a twin wait for. Told when that changes, and once for all of them: several may wait for the same. */
export class Blockages {
  readonly #sink: string;
  readonly #observe: Observe;
  readonly #waiting = new Map<object, readonly Blocker[]>();
  /** Who waits for whom, as it was told last; null where nobody waits. */
  #message: string | null = null;

  constructor(sink: string, observe: Observe) {
    this.#sink = sink;
    this.#observe = observe;
  }

  /** For one session. */
  ofSession(): TellBlockers {
    const session = {};
    return (blockers) => {
      if (blockers.length > 0) this.#waiting.set(session, blockers);
      else this.#waiting.delete(session);
      this.#tell();
    };
  }

  #tell(): void {
    const blockers = [...new Map([...this.#waiting.values()].flat().map((one) => [one.gid ?? one.pid, one])).values()];
    const message = blockers.length === 0 ? null : `sink ${this.#sink} waits for a lock of ${named(blockers)}`;
    if (message === this.#message) return;
    const alarm = { type: 'sink alarm', sink: this.#sink, code: 'twin_blocked', fix: releaseOf(blockers) } as const;
    this.#observe({ ...alarm, message: message ?? this.#message!, isOver: message === null });
    this.#message = message;
  }
}
