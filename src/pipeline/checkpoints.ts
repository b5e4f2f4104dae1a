import { type Checkpoint, isSameDatabase, type Position } from '../core/checkpoint.ts';
import { PgveilError } from '../core/errors.ts';
import type { Sink } from '../core/sink.ts';
import type { Beginning } from '../core/source.ts';
import { mergeEntries } from './merge.ts';
import { naming } from './naming.ts';

/** What a session begins with. */
export interface StartingPoint extends Beginning {
  /** Tables that the sinks do not hold alike: those of them that hold another entry have to be told. */
  readonly apart: ReadonlySet<string>;
}

/** What is durable in each sink, by its name. */
export async function openSinks(
  sinks: ReadonlyMap<string, Sink>,
  signal: AbortSignal,
): Promise<Map<string, Checkpoint>> {
  const checkpoints = new Map<string, Checkpoint>();
  for (const [name, sink] of sinks) checkpoints.set(name, await naming(name, sink.open(signal)));
  return checkpoints;
}

/** The earliest of the sinks' positions and what they hold in common; where one has no position everything is copied. */
export function whereToRead(checkpoints: ReadonlyMap<string, Checkpoint>, anew: boolean): StartingPoint {
  const sinks = earliestFirst([...checkpoints.values()]);
  const { position } = sinks[0]!;
  const { tables, apart } = mergeCheckpoints(sinks);
  if (anew || !position) return { position: null, tables: absent(tables), ahead: [], apart };
  const ahead = sinks.slice(1).map((checkpoint) => checkpoint.position!);
  assertOneSource([position, ...ahead]);
  return { position, tables, ahead, apart };
}

/** What sinks hold in common of each table: see mergeEntries. */
export function mergeCheckpoints(checkpoints: readonly Checkpoint[]): ReturnType<typeof mergeEntries> {
  return mergeEntries(earliestFirst(checkpoints).map(({ tables }) => tables));
}

function earliestFirst(checkpoints: readonly Checkpoint[]): Checkpoint[] {
  return checkpoints.toSorted((one, other) => compare(one.position, other.position));
}

/** Everything is copied: nothing of what is there counts, but what the columns' names were bound to does. */
function absent(tables: Checkpoint['tables']): Checkpoint['tables'] {
  return new Map([...tables].map(([name, entry]) => [name, { ...entry, state: { state: 'absent' } }] as const));
}

/** Null first. */
function compare(one: Position | null, other: Position | null): number {
  const [a, b] = [one?.pos ?? -1n, other?.pos ?? -1n];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Positions of two servers cannot be compared: another source was accepted, and not every sink got to know. */
function assertOneSource(positions: readonly Position[]): void {
  if (positions.every(({ history }) => isSameDatabase(history, positions[0]!.history))) return;
  throw new PgveilError('history_changed', 'the sinks hold positions of different sources');
}
