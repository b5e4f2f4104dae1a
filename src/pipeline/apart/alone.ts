import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../../core/errors.ts';
import { reach } from '../../core/fault.ts';
import type { Observation } from '../../core/observer.ts';
import { recover } from '../recovery.ts';
import type { AbsentSink } from './absent-sink.ts';
import { OwnRoster } from './own-roster.ts';

/** The sink reads from its own slot until it holds what the others hold, and stands where they do; or until `signal` aborts. */
export async function readAlone(absent: AbsentSink, signal: AbortSignal): Promise<void> {
  const { name } = absent;
  const slot = absent.options.apart.slots.nameOf(name);
  absent.observe({ type: 'sink', sink: name, state: 'parked', slot });
  absent.observe({ type: 'step', message: `sink ${name}: parked, it reads by itself from the slot ${slot}` });
  reach('parked');
  while (!(await isAlike(absent, signal))) if (signal.aborted) return;
  absent.observe({ type: 'step', message: `sink ${name}: rejoins the others` });
}

/** True once it has caught up twice, the second time with others whose slot waited for it. */
async function isAlike(absent: AbsentSink, signal: AbortSignal): Promise<boolean> {
  const { name, options } = absent;
  if (absent.detached.aborted) await letGo(absent, signal);
  if (!(await catchUp(absent, signal))) return false;
  // From here on the others' slot moves no further than this sink: once it has come so far it needs no other.
  options.others.hold(name, absent.durable);
  reach('caught up by itself');
  const next = await catchUp(absent, signal);
  if (!next) return false;
  options.others.hold(name, absent.durable);
  if (next === 'join') return true;
  options.others.release(name);
  return false;
}

/** What to do next, once there is nothing left to copy and all that was committed when it began is durable; null where it was stopped. */
async function catchUp(absent: AbsentSink, signal: AbortSignal): Promise<'join' | 'copy' | 'wait' | null> {
  const { name, sink, desk, recovery } = absent;
  const { apart, others, patience } = absent.options;
  const roster = new OwnRoster(name, sink, others);
  const observe = (seen: Observation) => absent.observe(seen);
  const parts = { ...apart.parts(name, observe), sinks: new Map([[name, sink]]), observe };
  const stopped = AbortSignal.any([signal, absent.detached]);
  await recover({ parts, roster, desk, patience, who: name, recovery }, stopped);
  return stopped.aborted ? null : roster.next;
}

/** The source keeps nothing for it any more. Where that cannot be done at the moment it stays to be done. */
async function letGo(absent: AbsentSink, signal: AbortSignal): Promise<void> {
  const { others } = absent.options;
  await others.lease.held(signal);
  reach('before a sink is detached');
  try {
    await others.slots.letGo(absent.name);
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    absent.tell(error, 0);
    return await sleep(absent.backoff.next(), undefined, { signal });
  }
  others.release(absent.name);
  absent.isLetGo();
  reach('sink detached');
}
