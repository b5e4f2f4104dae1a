import type { Checkpoint, Position, TableEntry } from '../core/checkpoint.ts';
import type { Sink } from '../core/sink.ts';
import { naming } from './naming.ts';

/** What is durable in each sink, by its name. */
export async function openSinks(
  sinks: ReadonlyMap<string, Sink>,
  signal: AbortSignal,
): Promise<Map<string, Checkpoint>> {
  const checkpoints = new Map<string, Checkpoint>();
  for (const [name, sink] of sinks) checkpoints.set(name, await naming(name, sink.open(signal)));
  return checkpoints;
}

/** The earliest of the sinks' checkpoints; without any position everything is copied. */
export function whereToRead(checkpoints: ReadonlyMap<string, Checkpoint>, anew: boolean): Checkpoint {
  const [first, ...others] = checkpoints.values();
  const earliest = others.reduce((least, one) => (isBefore(one.position, least.position) ? one : least), first!);
  return anew || !earliest.position ? unfinished(earliest.tables) : earliest;
}

/** Everything is copied: nothing of what is there counts, but what the columns' names were bound to does. */
function unfinished(tables: Checkpoint['tables']): Checkpoint {
  const absent = ([name, entry]: [string, TableEntry]) => [name, { ...entry, state: { state: 'absent' } }] as const;
  return { position: null, tables: new Map([...tables].map(absent)) };
}

function isBefore(one: Position | null, other: Position | null): boolean {
  return other !== null && (one === null || one.pos < other.pos);
}
