import { ConfigError } from '../../config/error.ts';
import { PgveilError } from '../core/errors.ts';
import type { Check } from './assembly.ts';
import { isConfiguration, recoveryOf, retryOf } from './known-errors.ts';
import { fixLines, printable } from './printable.ts';

/** A finding of any part, the configuration included, whose codes are its own. */
export interface Listed {
  readonly code: string;
  readonly object: string;
  readonly message: string;
  readonly fix: string;
}

/** Asks all parts at once. One that cannot look says why, and does not keep the others from being listed. */
export async function gather(checks: readonly Check[]): Promise<Listed[]> {
  const found = await Promise.all(checks.map(findingsOf));
  // Several parts ask the source: when it is away, it is away once.
  const distinct = new Map(found.flat().map((finding) => [`${finding.code} ${finding.message}`, finding]));
  return [...distinct.values()].sort((a, b) => urgency(a) - urgency(b));
}

/** A configuration that cannot be read, as findings. */
export function listConfigError({ findings }: ConfigError): Listed[] {
  return findings.map(({ code, object, message, fix, file, line }) => {
    return { code, object, message: `${line === null ? file : `${file}:${line}`}: ${message}`, fix };
  });
}

/** 2 if any is about the configuration, else 3 if a person has to act, else 1 if something is away. */
export function exitCodeOf(findings: readonly Listed[]): 0 | 1 | 2 | 3 {
  if (findings.some(({ code }) => isConfiguration(code))) return 2;
  if (findings.some(({ code }) => retryOf(code) === 'person')) return 3;
  return findings.some(isInTheWay) ? 1 : 0;
}

/** That everything will be copied anew is worth knowing; it keeps nothing from running. */
function isInTheWay({ code }: Listed): boolean {
  return recoveryOf(code) !== 'copy everything';
}

export function findingsJson(findings: readonly Listed[]): string {
  const plain = findings.map(({ code, object, message, fix }) => ({ code, object, message, fix }));
  return JSON.stringify({ ok: exitCodeOf(findings) === 0, findings: plain }, null, 2);
}

/** One paragraph for each finding. */
export function findingsText(findings: readonly Listed[]): string {
  if (findings.length === 0) return 'ok: nothing stands in the way';
  const paragraphs = findings.map(({ code, object, message, fix }) =>
    [printable(`${code}: ${object}`), `  ${printable(message)}`, fixLines(fix)].join('\n'),
  );
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return `${paragraphs.join('\n\n')}\n\n${count}`;
}

async function findingsOf({ part, findings }: Check): Promise<readonly Listed[]> {
  try {
    return await findings();
  } catch (error) {
    if (error instanceof ConfigError) return listConfigError(error);
    if (!(error instanceof PgveilError)) throw error;
    const { code, message, fix } = error;
    return [{ code, object: error.table ?? part, message, fix }];
  }
}

/** The order of a list: the configuration first, as it is at hand; what comes back by itself last. */
function urgency({ code }: Listed): number {
  if (isConfiguration(code)) return 0;
  if (retryOf(code) === 'person') return recoveryOf(code) === 'stop' ? 1 : 2;
  return 3;
}
