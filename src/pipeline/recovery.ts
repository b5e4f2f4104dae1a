import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../core/errors.ts';
import { Backoff } from './backoff.ts';
import type { Desk } from './desk.ts';
import type { Parts } from './parts.ts';
import { isPassing } from './passing.ts';
import type { Patience } from './patience.ts';
import type { Roster } from './roster.ts';
import { runSession } from './session/session.ts';

/** Sessions, one after another. */
export interface Life {
  readonly parts: Parts;
  readonly roster: Roster;
  readonly desk: Desk;
  readonly patience: Patience;
  /** Whose patience is tried: the sink that reads by itself, or those that read together. */
  readonly who: string;
  readonly recovery: RecoveryState;
}

/**
 * There is one recovery for everything that may work later: close all, wait, open all, and resume from what is durable. Resolves when
 * `signal` aborts or a session came to its end. Rejects with the PgveilError that only a person can mend.
 */
export async function recover({ parts, roster, desk, patience, who, recovery }: Life, signal: AbortSignal) {
  const healthy = () => {
    recovery.healthy();
    patience.calm(who);
  };
  const advanced = () => {
    recovery.advanced();
    patience.advance(who);
  };
  while (!signal.aborted) {
    try {
      const { halts, anew } = recovery;
      const healed = (table: string) => void halts.delete(table);
      return await runSession(parts, { roster, halts, anew, healthy, advanced, healed, desk }, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = known(thrown);
      const retryInMs = recovery.failed(error, roster.endsAll(error));
      const { code, message, fix } = error;
      parts.observe({ type: 'trouble', part: error.table ?? error.sink ?? 'pipeline', code, message, fix, retryInMs });
      if (retryInMs === null) throw error;
      patience.worry(who);
      await sleep(retryInMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** What the sessions so far found out, and the next one has to respect. */
export class RecoveryState {
  readonly halts = new Map<string, string>();
  anew = false;
  /** What ended the last session, until one works again. */
  failure: PgveilError | null = null;
  #hasRun = false;
  readonly #backoff = new Backoff();
  /** Until something is durable: what becomes of the source later is not what was accepted. */
  #acceptsSource: boolean;

  constructor(acceptsSource: boolean) {
    this.#acceptsSource = acceptsSource;
  }

  /** Milliseconds until the next session, or null where there is none. `endsAll`: see Roster. */
  failed(error: PgveilError, endsAll: boolean): number | null {
    this.failure = error;
    switch (error.kind.recovery) {
      case 'stop':
        if (error.code === 'history_changed' && this.#acceptsSource) {
          this.anew = true;
          break;
        }
        if (endsAll && !isPassing(error, this.#hasRun)) return null;
        break;
      case 'halt table':
        if (error.table === null) return null;
        this.halts.set(error.table, error.code);
        break;
      case 'copy everything':
        this.anew = true;
        this.halts.clear();
        break;
      case 'copy table':
      case 'reopen':
      case 'go on':
        break;
    }
    return this.#backoff.next();
  }

  /** A session got its first batch through. */
  healthy(): void {
    this.#hasRun = true;
    this.failure = null;
    this.anew = false;
  }

  /** Something became durable that was not before. A session that only begins well may fail at its first flush, again and again. */
  advanced(): void {
    this.#acceptsSource = false;
    this.#backoff.reset();
  }
}

/** Every failure that a part lets out is a PgveilError; anything else is a mistake of ours, and trying again would hide it. */
function known(thrown: unknown): PgveilError {
  if (thrown instanceof PgveilError) return thrown;
  throw thrown;
}
