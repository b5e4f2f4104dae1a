import { setTimeout as sleep } from 'node:timers/promises';
import type { Observe } from '../core/observer.ts';
import { Backoff } from '../pipeline/backoff.ts';
import { Patience } from '../pipeline/patience.ts';
import type { Check } from './assembly.ts';
import { gather, type Listed } from './check.ts';
import { isConfiguration, recoveryOf, retryOf } from './known-errors.ts';

/** What stands in the way of a start and will not go away by itself. */
export class NotReady extends Error {
  readonly findings: readonly Listed[];

  constructor(findings: readonly Listed[]) {
    super('not ready');
    this.findings = findings;
  }
}

/**
 * The checks before a start. Waits for what is away, `patienceMs` at the longest (null: for ever), and then rejects with
 * `timed_out`. Rejects with NotReady where a person has to act. What halts one table is only said: the others can go on.
 */
export async function checkFirst(
  checks: readonly Check[],
  patienceMs: number | null,
  observe: Observe,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff();
  const patience = new Patience(patienceMs);
  const stopped = AbortSignal.any([signal, patience.signal]);
  try {
    while (!signal.aborted) {
      const findings = await gather(checks);
      const stopping = findings.filter(isFinal);
      if (stopping.length > 0) throw new NotReady(stopping);
      const away = findings.find(({ code }) => recoveryOf(code) === 'reopen');
      if (!away) {
        for (const finding of findings) warn(finding, observe);
        return;
      }
      const { code, message, object: part } = away;
      const retryInMs = backoff.next();
      observe({ type: 'trouble', part, code, message, retryInMs });
      await sleep(retryInMs, undefined, { signal: stopped }).catch(() => {});
      patience.check();
    }
  } finally {
    patience.calm();
  }
}

function isFinal({ code }: Listed): boolean {
  return isConfiguration(code) || (retryOf(code) === 'person' && recoveryOf(code) === 'stop');
}

function warn({ code, object: table, message, fix }: Listed, observe: Observe): void {
  observe({ type: 'warning', table, code, message, fix });
}
