import { setTimeout as sleep } from 'node:timers/promises';
import { needsPerson } from '../../core/error-kind.ts';
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

export interface FirstCheck {
  readonly checks: readonly Check[];
  /** How long to wait for what is away; null: for ever. */
  readonly patienceMs: number | null;
  /** Whether the pipeline ever ran: then the other sinks go on without one that a person has to mend. */
  readonly hasRun: () => Promise<boolean>;
}

/**
 * The checks before a start. Waits for what is away, and rejects with `timed_out` in the end. Rejects with NotReady where a person has to
 * act. What halts one table, or one sink of a pipeline that has run, is only said: the others can go on.
 */
export async function checkFirst(
  { checks, patienceMs, hasRun }: FirstCheck,
  observe: Observe,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff();
  const patience = new Patience(patienceMs);
  const stopped = AbortSignal.any([signal, patience.signal]);
  try {
    while (!signal.aborted) {
      const findings = await gather(checks);
      const final = findings.filter(isFinal);
      const isRefused = final.length > 0 && (!areOfSomeSinks(final, checks) || !(await hasRun()));
      // With all that was found: whoever mends the one thing should not meet the next at the next start.
      if (isRefused) throw new NotReady(findings.filter(isInTheWay));
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
  return ERRORS[code].exit === 2 || needsPerson(ERRORS[code]);
}

/** Whether they halt some of the sinks, and not all of them: see MainRoster for what becomes of these. */
function areOfSomeSinks(final: readonly Found[], checks: readonly Check[]): boolean {
  const isOfSink = ({ code, needs }: Found) => ERRORS[code].exit === 3 && needs !== 'source';
  return final.every(isOfSink) && sinksOf(checks).some((sink) => final.every(({ needs }) => needs !== sink));
}

/** What is waited for: the source, and one sink at least. The others can be away as they can be later. */
function awayFrom(findings: readonly Found[], checks: readonly Check[]): Found | undefined {
  const away = findings.filter(({ code }) => ERRORS[code].recovery === 'reopen');
  const sinks = sinksOf(checks);
  const isMissing = (sink: string) =>
    findings.some((found) => found.needs === sink && (away.includes(found) || isFinal(found)));
  const source = away.find(({ needs }) => needs === 'source');
  return source ?? (sinks.length > 0 && sinks.every(isMissing) ? away[0] : undefined);
}

function sinksOf(checks: readonly Check[]): readonly string[] {
  return [...new Set(checks.flatMap(({ needs }) => (needs === 'source' ? [] : needs)))];
}

function tell(finding: Found, observe: Observe): void {
  const { code, object: table, message, fix, needs: sink } = finding;
  if (isFinal(finding)) observe({ type: 'trouble', part: sink, code, message, fix, retryInMs: 0, own: sink });
  else if (isInTheWay(finding) || isWarning(finding)) observe({ type: 'warning', table, code, message, fix });
  else observe({ type: 'step', message });
}
