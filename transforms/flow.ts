import type { Change } from '../src/core/batch.ts';
import type { RedactedTable, Table } from '../src/core/table.ts';
import type { Stage, Tuple } from '../src/core/tuple.ts';
import type { Arena } from './arena.ts';
import type { Plan } from './plan.ts';
import { TupleRewriter } from './rewrite.ts';

/** A table in force, and what its rows go through. */
export interface Flow {
  readonly raw: Table<'raw'>;
  readonly redacted: RedactedTable;
  readonly plan: Plan;
  /** Null where every column is kept: such tuples pass as they are. */
  readonly rewriter: TupleRewriter | null;
  /** Whether its changes leave: it streams, or is being copied. */
  isFlowing: boolean;
}

/** `onWithheld` is told the index of each column whose rule failed on a cell. */
export function newFlow(
  raw: Table<'raw'>,
  plan: Plan,
  { generation, isFlowing }: Pick<RedactedTable, 'generation'> & Pick<Flow, 'isFlowing'>,
  onWithheld: (column: number) => void,
): Flow {
  const isKept = plan.actions.every(({ kind }) => kind === 'keep');
  const rewriter = isKept ? null : new TupleRewriter(plan, raw.key, onWithheld);
  return { raw, redacted: { ...plan.table, generation }, plan, rewriter, isFlowing };
}

/** Before-images and keys by the same plan as the row. Null where a value of the key could not be rewritten. */
export function redactChange(change: Change<'raw'>, flow: Flow, arena: Arena): Change<'redacted'> | null {
  const { op, transaction, seq, beforeIs } = change;
  const before = change.before && redactTuple(change.before, beforeIs === 'key', flow, arena);
  const after = change.after && redactTuple(change.after, false, flow, arena);
  if ((change.before && !before) || (change.after && !after)) return null;
  return { op, table: flow.redacted, transaction, seq, before, beforeIs, after };
}

function redactTuple(
  tuple: Tuple<'raw'>,
  isKeyOnly: boolean,
  { rewriter }: Flow,
  arena: Arena,
): Tuple<'redacted'> | null {
  if (rewriter) return arena.rewrite(tuple, isKeyOnly, rewriter);
  arena.pass();
  // The one place where a raw tuple becomes a redacted one as it is: each of its columns was decided `keep`.
  return tuple as Tuple<Stage> as Tuple<'redacted'>;
}
