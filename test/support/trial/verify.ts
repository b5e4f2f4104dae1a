import assert from 'node:assert/strict';
import type { Trial } from './trial.ts';

/** What `verify --json` says of one table (docs/07-verify.md). */
export interface Result {
  readonly compared: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  readonly unsettled: number;
  readonly examples: readonly string[];
  readonly sinks: Record<string, Record<string, unknown>>;
}

/** Fails unless it compared, whatever it found. */
export async function verify(trial: Trial, ...args: string[]) {
  const { code, stdout, stderr } = await trial.command(['verify', '--json', ...args], 240_000);
  assert.ok(code === 0 || code === 3, stderr);
  return { code, tables: JSON.parse(stdout).tables as Record<string, Result> };
}

/** Compared, missing, extra, different. */
export function figuresOf({ compared, missing, extra, different }: Result): number[] {
  return [compared, missing, extra, different];
}
