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

/** What a start would do because the configuration is not the one that the sinks were filled under; null where it goes on. */
export function changeSince(entries: Entries, { name, plan, key, bytes }: Wanted): Finding | null {
  const entry = entries.get(name);
  if (entry && entry.key !== key) {
    return { code: 'key_changed', object: 'key', message: ERRORS.key_changed.means, fix: ERRORS.key_changed.fix };
  }
  const all = `it is copied again, ${formatBytes(bytes)}`;
  if (!entry || entry.state.state === 'absent') {
    const others = [...entries.values()].some(({ state }) => state.state === 'streaming');
    return others ? ruleChanged(name, `was not copied yet: ${all}`) : null;
  }
  const isOther = entry.state.state === 'streaming' && entry.plan !== plan;
  return isOther ? ruleChanged(name, `has other rules than when it was copied: ${all}`) : null;
}

/** A table that is not there is an error of the configuration, unless it was there: then it halts, and the others go on. */
export function missedSince(entries: Entries, finding: Finding): Finding {
  const wasThere = (entries.get(finding.object)?.oid ?? 0) !== 0;
  if (finding.code !== 'unknown_table' || !wasThere) return finding;
  return { ...finding, code: 'table_missing', fix: ERRORS.table_missing.fix };
}

function ruleChanged(table: string, how: string): Finding {
  return { code: 'rule_changed', object: table, message: `${table} ${how}`, fix: ERRORS.rule_changed.fix };
}
