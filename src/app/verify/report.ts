import { printable } from '../show/printable.ts';
import { type Compared, EXAMPLES } from './compare.ts';
import type { Verified } from './verify.ts';

type Figures = Pick<Compared, 'compared' | 'missing' | 'extra' | 'different' | 'unsettled' | 'examples'>;

const NOTHING: Figures = { compared: 0, missing: 0, extra: 0, different: 0, unsettled: 0, examples: [] };

/** docs/07-verify.md: the figures of a table are the sums over its sinks, which are listed below. */
export function verifiedJson(all: readonly Verified[]): string {
  const tables: Record<string, Figures & { readonly sinks: Record<string, unknown> }> = Object.create(null);
  for (const { table, sink, result } of all) {
    const before = tables[table] ?? { ...NOTHING, sinks: Object.create(null) };
    before.sinks[sink] = 'skipped' in result ? result : plain(result);
    tables[table] = 'skipped' in result ? before : { ...sum(before, result), sinks: before.sinks };
  }
  return JSON.stringify({ tables }, null, 2);
}

function plain({ atLeast, ...figures }: Compared) {
  return { ...figures, at_least: atLeast };
}

function sum(a: Figures, b: Figures): Figures {
  return {
    compared: a.compared + b.compared,
    missing: a.missing + b.missing,
    extra: a.extra + b.extra,
    different: a.different + b.different,
    unsettled: a.unsettled + b.unsettled,
    examples: [...new Set([...a.examples, ...b.examples])].slice(0, EXAMPLES),
  };
}

/** For people: a line for one table of one sink, and the keys that differ below. */
export function verifiedText({ table, sink, result }: Verified): string {
  const head = printable(`${table} in ${sink}`);
  if ('skipped' in result) return `${head}: skipped: ${printable(result.skipped)}`;
  const { compared, missing, extra, different, unsettled, atLeast, examples } = result;
  const found = Object.entries({ missing, extra, different }).filter(([, rows]) => rows > 0);
  const least = atLeast ? 'at least ' : '';
  const said = found.map(([what, rows]) => `${least}${rows} ${what}`).join(', ') || 'equal';
  const open = unsettled > 0 ? `; ${unsettled} changed whenever they were looked at` : '';
  const keys = examples.length > 0 ? `\n  keys, by hash: ${examples.join(' ')}` : '';
  return `${head}: ${compared} rows compared, ${said}${open}${keys}`;
}
