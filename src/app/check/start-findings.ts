import type { Checkpoint, TableEntry } from '../../core/checkpoint.ts';
import { ERRORS, type Finding } from '../../core/errors.ts';
import { formatBytes } from '../show/quantity.ts';

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

/** A sink that holds nothing yet, beside others that do. `stored`: what is durable in each; undefined where it does not answer. */
export function sinksAdded(
  stored: ReadonlyMap<string, Checkpoint | null | undefined>,
  wanted: readonly Wanted[],
): Finding[] {
  if (![...stored.values()].some(Boolean)) return [];
  const added = [...stored].filter(([, checkpoint]) => checkpoint === null);
  return added.map(([name]) =>
    ruleChanged(`sinks.${name}`, `${name} holds nothing yet: a start copies all tables into it (${sizeOf(wanted)})`),
  );
}

function sizeOf(wanted: readonly Wanted[]): string {
  return `${wanted.length}: ${formatBytes(wanted.reduce((sum, { bytes }) => sum + bytes, 0))}`;
}

function keyChanged(wanted: readonly Wanted[]): Finding {
  const { means, fix } = ERRORS.key_changed;
  const message = `${means} Accepted, it recopies all tables (${sizeOf(wanted)})`;
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

/**
 * A table or key that is not there is an error of the configuration, unless it was there: then its table halts, and the others go on.
 * `keys` are those that the configuration names, by table.
 */
export function missedSince(
  entries: Entries,
  keys: ReadonlyMap<string, { readonly key: readonly string[] | null }>,
  finding: Finding,
): Finding {
  const entry = entries.get(finding.object);
  if (!entry || entry.oid === 0) return finding;
  if (finding.code === 'unknown_table') return { ...finding, code: 'table_missing', fix: ERRORS.table_missing.fix };
  const isKnown = finding.code === 'unknown_key' && hadKey(entry, keys.get(finding.object)?.key ?? []);
  return isKnown ? { ...finding, code: 'no_key' } : finding;
}

function hadKey({ shape }: TableEntry, key: readonly string[]): boolean {
  const names = shape.key.map((attnum) => shape.columns.find((column) => column.attnum === attnum)?.name);
  return names.length === key.length && key.every((name) => names.includes(name));
}

function ruleChanged(object: string, message: string): Finding {
  return { code: 'rule_changed', object, message, fix: ERRORS.rule_changed.fix };
}
