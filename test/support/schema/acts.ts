import type { Maker, Makers } from './act.ts';
import type { Altered } from './altered.ts';
import { COLUMNS } from './column-acts.ts';
import { HARMLESS, LABELS, PARTITIONS, TABLE } from './table-acts.ts';

const fits = (makers: Makers, can: (on: Altered) => boolean): Maker[] =>
  Object.values(makers).map((make) => (on, random) => (can(on) ? make(on, random) : null));

/** What applications and their DBAs do to a table. None is for a table that is away. */
export const ACTS: readonly Maker[] = [
  ...fits(COLUMNS, (on) => !on.has('moved', 'detached')),
  ...fits(TABLE, (on) => !on.isPartitioned || !on.has('detached')),
  ...fits(PARTITIONS, (on) => on.isPartitioned && !on.has('detached')),
  ...fits(LABELS, (on) => on.isPartitioned),
  ...fits(HARMLESS, () => true),
];
