import { ConfigError } from '../../../config/error.ts';
import { ERRORS, type Finding, PgveilError } from '../../core/errors.ts';
import type { Check } from '../assembly.ts';
import { fixLines, printable } from '../show/printable.ts';

/** What was found, and what had to be reached for it: `source`, or a sink's name. */
export type Found = Finding & Pick<Check, 'needs'>;

/** Asks all parts at once. One that cannot look says why, and does not keep the others from being listed. */
export async function gather(checks: readonly Check[]): Promise<Found[]> {
  const found = await Promise.all(checks.map(findingsOf));
  // Several checks need the source: when it is away, it is away once.
  const distinct = new Map(found.flat().map((finding) => [JSON.stringify(finding), finding]));
  return [...distinct.values()].sort((a, b) => urgency(a) - urgency(b));
}

/** A configuration that cannot be read, as findings. */
export function listConfigError({ findings }: ConfigError): Finding[] {
  return findings.map(({ code, object, message, fix, file, line }) => {
    return { code, object, message: `${line === null ? file : `${file}:${line}`}: ${message}`, fix };
  });
}

/** 2 if any is about the configuration, else 3 if a person has to act, else 1 if something is away. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 2 | 3 {
  if (findings.some(({ code }) => ERRORS[code].exit === 2)) return 2;
  if (findings.some(({ code }) => ERRORS[code].retry === 'person')) return 3;
  return findings.some(isInTheWay) ? 1 : 0;
}

/** That something will be copied anew is worth knowing; it keeps nothing from running. Nor does a warning. */
export function isInTheWay(finding: Finding): boolean {
  const { recovery } = ERRORS[finding.code];
  return recovery !== 'copy everything' && recovery !== 'copy table' && !isWarning(finding);
}

/** Nothing stops by it, now or later: a person should know. */
export function isWarning({ code }: Finding): boolean {
  const { retry, recovery } = ERRORS[code];
  return recovery === 'go on' && retry === 'never';
}

export function findingsJson(findings: readonly Finding[]): string {
  const plain = findings.map(({ code, object, message, fix }) => ({ code, object, message, fix }));
  return JSON.stringify({ ok: exitCodeOf(findings) === 0, findings: plain }, null, 2);
}

/** One paragraph for each finding. */
export function findingsText(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'ok: nothing stands in the way';
  const paragraphs = findings.map(({ code, object, message, fix }) =>
    [printable(`${code}: ${object}`), `  ${printable(message)}`, fixLines(fix)].join('\n'),
  );
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return `${paragraphs.join('\n\n')}\n\n${count}`;
}

async function findingsOf({ needs, findings }: Check): Promise<Found[]> {
  const found = await findings().catch((error) => asFindings(error, needs));
  return found.map((finding) => ({ ...finding, needs }));
}

export function asFindings(error: unknown, needs: string): Finding[] {
  if (error instanceof ConfigError) return listConfigError(error);
  if (!(error instanceof PgveilError)) throw error;
  const { code, message, fix } = error;
  return [{ code, object: error.table ?? needs, message, fix }];
}

/** The order of a list: the configuration first, as it is at hand; what comes back by itself last. */
function urgency({ code }: Finding): number {
  const { exit, retry, recovery } = ERRORS[code];
  if (exit === 2) return 0;
  if (retry === 'person') return recovery === 'stop' ? 1 : 2;
  return 3;
}
