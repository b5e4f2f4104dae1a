import type { RawBatch, TableEvent } from '../../../src/core/batch.ts';
import { openReader } from '../session.ts';
import { Crew } from './crew.ts';
import type { CopyOptions } from './options.ts';
import { emptyBatch } from './table-copy.ts';

/**
 * Copies every table of the reading in one snapshot: `defined` (or `stopped`) of all; then of each that is wanted `copy started`, reads by
 * chunks, `copy read` or `stopped`. Tables and chunks interleave. Not pulling stops the reading. Ends when all is copied, or
 * without an error when `signal` aborts; throws a PgveilError when the source is lost. Either way all of its sessions are ended.
 */
export async function* copyEverything(options: CopyOptions): AsyncGenerator<RawBatch> {
  const { transaction, signal } = options;
  // Only once the consumer has seen the definitions can it know what it wants of them: hence a batch of their own.
  yield { ...emptyBatch(transaction), events: definitions(options) };
  const observer = await openReader(options.url, 'pgveil guard');
  const crew = new Crew(options, observer);
  const cut = () => crew.queue.cut(null);
  signal.addEventListener('abort', cut);
  try {
    if (signal.aborted) return;
    await crew.start();
    yield* crew.queue;
  } finally {
    signal.removeEventListener('abort', cut);
    await crew.disband();
  }
}

function definitions({ reading, generationOf }: CopyOptions): TableEvent<'raw'>[] {
  return [...reading.tables].map(([name, { table, problem }]) =>
    problem
      ? { type: 'stopped', name, oid: problem.oid, state: { state: 'halted', code: problem.code }, definition: null }
      : { type: 'defined', table, generation: generationOf(table) },
  );
}
