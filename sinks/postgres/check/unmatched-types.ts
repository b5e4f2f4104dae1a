import { ERRORS, type Finding } from '../../../src/core/errors.ts';
import type { LeavingTable } from '../../../src/core/target.ts';
import { withoutModifier } from '../column-type.ts';
import type { TwinOptions } from '../session.ts';
import { finding } from './finding.ts';

/** Rules of `types` that no column has the type of. Somebody wants another type on the twin, and gets it nowhere. */
export function unmatchedTypes(
  { name: sink, types, tables: configured }: Pick<TwinOptions, 'name' | 'types' | 'tables'>,
  tables: readonly LeavingTable[],
): Finding[] {
  const names = tables.flatMap(({ columns }) => columns.map(({ type }) => type.name));
  const there = [...new Set(names.map(withoutModifier))].sort();
  const unmatched = [...types.keys()].filter((type) => !names.includes(type) && !there.includes(type));
  return unmatched.flatMap((type) => {
    const alike = there.filter((one) => bare(one) === bare(type));
    // A table that is not there, or cannot be read, may have the type.
    if (alike.length === 0 && tables.length < configured.size) return [];
    const message = `no column in the twin has the type ${type} on the source: the rule does nothing`;
    return [finding('type_unmatched', `sinks.${sink}.types`, message, fixOf(alike, there))];
  });
}

function fixOf(alike: readonly string[], there: readonly string[]): string {
  if (alike.length > 0) return `Write ${alike.map((name) => `\`${name}\``).join(' or ')}.`;
  return `${ERRORS.type_unmatched.fix} Types there: ${there.join(', ')}.`;
}

/** What is left of a type's name that somebody may have got right: `mood` of `public."Mood"[]`. */
function bare(type: string): string {
  return withoutModifier(type)
    .replace(/^("([^"]|"")*"|[^".]*)\./, '')
    .replaceAll(/["[\]]/g, '')
    .toLowerCase();
}
