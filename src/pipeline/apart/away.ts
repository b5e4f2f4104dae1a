import { needsPerson } from '../../core/error-kind.ts';
import { PgveilError } from '../../core/errors.ts';
import { naming } from '../naming.ts';
import type { AbsentSink } from './absent-sink.ts';

const FIRST_LOOK_MS = 50;

/**
 * True where the sink is back while the others' slot still waits for it; false once that need not. It waits for its patience, and for a
 * person not at all. In a relapse neither: that it opens says nothing, since it fails with what is written, and each return interrupts the
 * others. By itself it has to write all that it lacks.
 */
export async function returnsSoon(
  absent: AbsentSink,
  error: PgveilError,
  isRelapse: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { name, backoff } = absent;
  const { apart, others, patience } = absent.options;
  const deadline = performance.now() + (isRelapse ? 0 : apart.patience(name));
  absent.observe({ type: 'sink', sink: name, state: 'away', slot: null });
  patience.worry(name);
  let isLate = false;
  for (let failure: PgveilError | null = error; ; ) {
    const left = isLate ? Number.POSITIVE_INFINITY : Math.max(0, deadline - performance.now());
    const retryInMs = Math.min(backoff.next(), left + FIRST_LOOK_MS);
    if (failure) absent.tell(failure, retryInMs);
    await absent.pause(retryInMs, signal);
    if (absent.detached.aborted) return false;
    failure = await failureOf(absent, signal);
    const isBack = !failure && !others.isCopying;
    if (isBack && !isRelapse) return true;
    isLate = performance.now() >= deadline || (failure !== null && needsPerson(failure.kind));
    if (isLate && (await isParked(absent, signal))) return false;
    if (isBack) return true; // no slot is free in which it could show it
  }
}

/** What it fails with still; null where it answers. */
async function failureOf({ name, sink, options }: AbsentSink, signal: AbortSignal): Promise<PgveilError | null> {
  try {
    await options.others.lease.held(signal);
    // Of closing nothing is told: what opening failed with is what counts.
    const checkpoint = await naming(name, sink.open(signal)).finally(() => sink.close().catch(() => {}));
    options.others.read(name, checkpoint);
    return null;
  } catch (error) {
    if (signal.aborted || !(error instanceof PgveilError)) throw error;
    return error;
  }
}

/** Has its WAL kept in a slot of its own, so that the others' need not wait. False where that cannot be at the moment. */
async function isParked(absent: AbsentSink, signal: AbortSignal): Promise<boolean> {
  const { lease, slots } = absent.options.others;
  await lease.held(signal);
  try {
    await slots.keep(absent.name);
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    absent.tell(error, 0);
    return false;
  }
  absent.options.others.release(absent.name);
  return true;
}
