import type { Finding } from '../../../src/core/errors.ts';

/** What the configuration says of sinks that may be detached. */
export interface Detaching {
  /** Those with `on_wal_limit: detach`. */
  readonly sinks: readonly string[];
  /** Whether there are sinks besides the one that is detached: without any, nobody would go on. */
  readonly hasOthers: boolean;
  readonly walLimit: number | null;
}

/** Sinks that are to be detached, and never will be. `keeps`: max_slot_wal_keep_size, `-1` for no limit. */
export function neverDetached({ sinks, hasOthers, walLimit }: Detaching, keeps: string): Finding[] {
  const reason = hasOthers ? (walLimit === null && keeps === '-1' ? NO_LIMIT : null) : ALONE;
  if (!reason) return [];
  return sinks.map((sink) => {
    const object = `sinks.${sink}.on_wal_limit`;
    return { code: 'detach_impossible', object, message: `${object} is detach, ${reason.why}`, fix: reason.fix };
  });
}

const ALONE = {
  why: 'but it is the only sink, which is never detached',
  fix: 'Set `on_wal_limit: hold`. What keeps the source’s disk from filling is max_slot_wal_keep_size there.',
};
const NO_LIMIT = {
  why: 'but there is no limit: max_slot_wal_keep_size is -1 on the source, and source.wal_limit is not set',
  fix: 'Set `source.wal_limit` and start pgveil again, or set max_slot_wal_keep_size on the source (a reload does).',
};
