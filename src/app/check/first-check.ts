import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type Finding } from '../../core/errors.ts';
import type { Observe } from '../../core/observer.ts';
import { Backoff } from '../../pipeline/backoff.ts';
import { Patience } from '../../pipeline/patience.ts';
import type { Check } from '../assembly.ts';
import { type Found, gather, isInTheWay, isWarning } from './check.ts';

/** Something stands in the way of a start and will not go away by itself. */
export class NotReady extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
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
      // With all that was found: whoever mends the one thing should not meet the next at the next start.
      if (findings.some(isFinal)) throw new NotReady(findings.filter(isInTheWay));
      const away = awayFrom(findings, checks);
      if (!away) {
        for (const finding of findings) if (ERRORS[finding.code].recovery !== 'reopen') tell(finding, observe);
        return;
      }
      const { code, message, needs: part } = away;
      const retryInMs = backoff.next();
      observe({ type: 'trouble', part, code, message, retryInMs });
      await sleep(retryInMs, undefined, { signal: stopped }).catch(() => {});
      patience.check();
    }
  } finally {
    patience.calm();
  }
}

function isFinal({ code }: Finding): boolean {
  const { exit, retry, recovery } = ERRORS[code];
  return exit === 2 || (retry === 'person' && recovery === 'stop');
}

/** What is waited for: the source, and one sink at least. The others can be away as they can be later. */
function awayFrom(findings: readonly Found[], checks: readonly Check[]): Found | undefined {
  const away = findings.filter(({ code }) => ERRORS[code].recovery === 'reopen');
  const sinks = new Set(checks.flatMap(({ needs }) => (needs === 'source' ? [] : needs)));
  const isAway = (sink: string) => away.some(({ needs }) => needs === sink);
  const source = away.find(({ needs }) => needs === 'source');
  return source ?? (sinks.size > 0 && [...sinks].every(isAway) ? away[0] : undefined);
}

function tell(finding: Finding, observe: Observe): void {
  const { code, object: table, message, fix } = finding;
  if (isInTheWay(finding) || isWarning(finding)) observe({ type: 'warning', table, code, message, fix });
  else observe({ type: 'step', message });
}
