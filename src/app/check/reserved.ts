import type { Decision } from '../../../config/rules.ts';
import { ERRORS, type Finding } from '../../core/errors.ts';
import type { Table } from '../../core/table.ts';
import type { Target } from '../../core/target.ts';

/** Columns whose names a sink needs for itself. `decisions`: index by index of the table's columns; null where nobody decided. */
export function reservedColumns(
  table: Table<'raw'>,
  decisions: readonly (Decision | null)[],
  targets: ReadonlyMap<string, Target>,
): Finding[] {
  const leaving = table.columns
    .map(({ name }, index) => ({ name, decision: decisions[index] ?? null }))
    .filter(({ decision }) => decision?.kind !== 'drop')
    .map(({ name, decision }) => ({ name, withheld: decision === null }));
  return [...targets].flatMap(([sink, target]) =>
    leaving
      .filter((column) => target.reserves(column))
      .map(({ name }) => {
        const message = `${table.name} has a column ${JSON.stringify(name)}, a name that sink ${sink} needs for itself`;
        return { code: 'reserved_column', object: table.name, message, fix: ERRORS.reserved_column.fix };
      }),
  );
}
