/** Every place where a test may kill the process, by name and in the order of a run. Each is a step between two durable effects. */
export const FAULTS = [
  'slot created',
  'first position durable',
  'snapshot exported',
  'copy started',
  'inside a chunk',
  'chunk committed',
  'copies finished',
  'indexes built',
  'hand-over durable',
  'table attached',
  'inside a transaction',
  'before the commit',
  'after the commit',
  'before the ack',
  'after the ack',
] as const;

/** Those of a copy beside the stream, which also passes those of a copy above from `snapshot exported` on. */
export const RECOPY_FAULTS = ['temporary slot created', 'catching up', 'streams at one position'] as const;

/** Those of a sink that reads by itself for a while. */
export const PARK_FAULTS = ['own slot made', 'parked', 'caught up by itself', 'rejoined', 'own slot dropped'] as const;

/** Those of a sink that is let go of because the source cannot keep its WAL. */
export const DETACH_FAULTS = ['before a sink is detached', 'sink detached'] as const;

/** Those of a lake. */
export const LAKE_FAULTS = [
  'before a file',
  'file stored',
  'before the log',
  'after the log',
  'before the swap',
  'after the swap',
] as const;

/** Those of topics. */
export const KAFKA_FAULTS = [
  'topic copy noted',
  'inside a topic chunk',
  'topic chunk ended',
  'inside a topic transaction',
  'before the end of topics',
  'after the end of topics',
] as const;

/** Those of compacted ones, which pass those of a topic above as well. */
export const COMPACTED_FAULTS = ['topic keys forgotten'] as const;

/** Those of `pgveil lake`. */
export const CARE_FAULTS = ['file put together', 'before the exchange', 'after the exchange', 'file removed'] as const;

export type Fault = (
  | typeof FAULTS
  | typeof RECOPY_FAULTS
  | typeof PARK_FAULTS
  | typeof DETACH_FAULTS
  | typeof LAKE_FAULTS
  | typeof KAFKA_FAULTS
  | typeof COMPACTED_FAULTS
  | typeof CARE_FAULTS
)[number];

/** Places that PGVEIL_FAULT names, and how often each is still to be passed. */
const armed = (process.env.PGVEIL_FAULT ?? '').split(',').map((place) => {
  const [fault, count = '1', signal = 'SIGKILL'] = place.split(':');
  return { fault, left: Number(count), signal };
});

/**
 * Kills the process, as a power cut would, when PGVEIL_FAULT names this place: `chunk committed:3` at the third time. With
 * `chunk committed:1:SIGSTOP` it is held there instead, until a test has done its worst and sends SIGCONT. Several places stand with
 * `,` between them. Never on a path per row.
 */
export function reach(fault: Fault): void {
  for (const place of armed) if (place.fault === fault && --place.left === 0) process.kill(process.pid, place.signal);
}
