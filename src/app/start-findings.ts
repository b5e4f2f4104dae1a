import type { TableEntry } from '../core/checkpoint.ts';
import { ERRORS, type Finding } from '../core/errors.ts';
import { formatBytes } from './quantity.ts';

type Entries = ReadonlyMap<string, TableEntry>;

/** A table as the configuration now wants it. */
export interface Wanted {
  readonly name: string;
  /** The plan's hash. */
  readonly plan: string;
  /** The redaction key's fingerprint. */
  readonly key: string;
  /** Its size on the source. */
  readonly bytes: number;
}

/** What a start would do because the configuration is not the one that the sinks were filled under. */
export function changesSince(entries: Entries, wanted: readonly Wanted[]): Finding[] {
  const isOtherKey = wanted.some(({ name, key }) => (entries.get(name)?.key ?? key) !== key);
  return [...(isOtherKey ? [keyChanged(wanted)] : []), ...wanted.flatMap((one) => changeSince(entries, one) ?? [])];
}

function keyChanged(wanted: readonly Wanted[]): Finding {
  const { means, fix } = ERRORS.key_changed;
  const bytes = wanted.reduce((sum, one) => sum + one.bytes, 0);
  const message = `${means} Accepted, it recopies all tables (${wanted.length}: ${formatBytes(bytes)})`;
  return { code: 'key_changed', object: 'key', message, fix };
}

function changeSince(entries: Entries, { name, plan, key, bytes }: Wanted): Finding | null {
  const entry = entries.get(name);
  if (!entry || entry.state.state === 'absent') {
    const others = [...entries.values()].some(({ state }) => state.state === 'streaming');
    return others
      ? ruleChanged(name, `${name} was not copied yet, and a start copies it (${formatBytes(bytes)})`)
      : null;
  }
  if (entry.key !== key || entry.state.state !== 'streaming' || entry.plan === plan) return null;
  return ruleChanged(name, `this rule recopies ${name} (${formatBytes(bytes)})`);
}

/** A table that is not there is an error of the configuration, unless it was there: then it halts, and the others go on. */
export function missedSince(entries: Entries, finding: Finding): Finding {
  const wasThere = (entries.get(finding.object)?.oid ?? 0) !== 0;
  if (finding.code !== 'unknown_table' || !wasThere) return finding;
  return { ...finding, code: 'table_missing', fix: ERRORS.table_missing.fix };
}

function ruleChanged(object: string, message: string): Finding {
  return { code: 'rule_changed', object, message, fix: ERRORS.rule_changed.fix };
}
