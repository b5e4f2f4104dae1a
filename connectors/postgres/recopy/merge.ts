import { setTimeout as sleep } from 'node:timers/promises';
import type { RawBatch } from '../../../src/core/batch.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Stream } from '../stream/stream.ts';
import type { Recopies } from './recopies.ts';

/** Milliseconds that a copy gets to end its sessions. */
const FAREWELL_MS = 1000;

/**
 * One ordered sequence of the stream's batches and of those that copies beside it make, each as soon as it is there. Ends when `signal`
 * aborts; throws what ends the stream.
 */
export async function* merge(
  stream: Stream,
  recopies: Recopies,
  observe: Observe,
  signal: AbortSignal,
): AsyncGenerator<RawBatch> {
  const ended = new AbortController();
  const wake = () => stream.bell.ring();
  signal.addEventListener('abort', wake);
  let copying: Promise<void> | null = null;
  /** The stream's own last one. Only with the first of them is it certain that this is the history we know. */
  let last: RawBatch | null = null;
  try {
    while (!signal.aborted) {
      const own = stream.take();
      if (own) {
        recopies.note(own.events);
        if (!last) observe({ type: 'confirmed' });
        last = own;
        yield own;
        copying ??= recopies.run(AbortSignal.any([signal, ended.signal]));
      }
      const orders = last ? recopies.orders() : [];
      if (last && orders.length > 0) {
        yield { ...last, events: orders, changes: [], chunk: null, bytes: 0 };
        // Not before: whoever acts on them asks the rules, which have to know of them by then.
        recopies.note(orders);
      }
      const beside = recopies.take();
      // What happens beside the stream does not move it: not even to where it is, inside of a transaction.
      if (beside) yield { ...beside, position: beside.position && last!.position, progress: last!.progress };
      if (!own && !beside) await stream.bell.rung;
    }
  } finally {
    signal.removeEventListener('abort', wake);
    ended.abort();
    await Promise.race([copying, sleep(FAREWELL_MS, undefined, { ref: false })]);
  }
}
