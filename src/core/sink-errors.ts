import { away, type Kind, person, told, warned } from './error-kind.ts';

/** What concerns one sink, and of several that one alone. */
export const SINK_ERRORS = {
  twin_away: {
    ...away,
    means: 'The twin does not answer, or refused for a passing reason (no connection free, starting up).',
    fix: 'Nothing, if it comes back; otherwise check host, port and connection limits.',
  },
  twin_blocked: {
    ...told,
    means:
      'A session on the twin holds a lock that pgveil waits for. Nothing is written there meanwhile, and once the queue is full no other sink gets anything either.',
    fix: 'End the transaction of the named pid, or wait for it.',
  },
  twin_failed: {
    ...away,
    means: 'The twin refused a statement for a reason that pgveil does not know.',
    fix: 'Look up the SQLSTATE; the twin’s own log has the statement.',
  },
  lake_away: {
    ...away,
    means: 'The lake’s store does not answer, or refused for a passing reason (too busy, disk full).',
    fix: 'Nothing, if it comes back; otherwise check endpoint, network and space.',
  },
  lake_failed: {
    ...away,
    means: 'The lake’s store refused a request for a reason that pgveil does not know, or an object there is damaged.',
    fix: 'Look up the code; if it returns, check bucket, region and what else writes there.',
  },
  kafka_away: {
    ...away,
    means:
      'Kafka does not answer, or refused for a passing reason (no leader, too few replicas, a transaction that took too long).',
    fix: 'Nothing, if it comes back; otherwise check `brokers`, network and the brokers’ own logs.',
  },
  kafka_failed: {
    ...away,
    means: 'Kafka refused a request for a reason that pgveil does not know.',
    fix: 'Look up the code in Kafka’s protocol; the broker’s own log may say more.',
  },
  registry_away: {
    ...away,
    means:
      'The schema registry does not answer, or refused for a passing reason (too busy, no leader, its store away).',
    fix: 'Nothing, if it comes back; otherwise check `registry.url`, network and the registry’s own log.',
  },
  registry_failed: {
    ...away,
    means:
      'What answers at `registry.url` is not a schema registry that pgveil can use, or it refused for an unknown reason.',
    fix: 'Check `registry.url`, the path included; look up the error code in the registry’s documents.',
  },
  sink_detached: {
    ...away,
    means:
      'A sink held back more WAL than the source may keep, and was detached (`on_wal_limit: detach`): no WAL is kept for it.',
    fix: 'Fix what keeps it away. When it answers again it copies everything for itself.',
  },
  detach_impossible: {
    ...warned,
    means:
      'A sink has `on_wal_limit: detach`, and never is detached: there is no limit for the WAL that its slot keeps, or no other sink that would go on.',
    fix: 'Set `source.wal_limit`, or max_slot_wal_keep_size on the source. For an only sink set `on_wal_limit: hold`.',
  },
  twin_rights: { ...person, means: 'The twin’s user lacks a right that pgveil needs.', fix: 'Run the SQL shown.' },
  lake_rights: {
    ...person,
    means: 'The lake’s store refused the credentials, or they lack a right that pgveil needs.',
    fix: 'Correct the credentials, or allow reading, writing, listing and deleting below the lake’s URL.',
  },
  kafka_rights: {
    ...person,
    means: 'Kafka’s user lacks a right that pgveil needs.',
    fix: 'Allow reading, writing, describing and creating its topics, and writing with its transactional ids.',
  },
  kafka_unfit: {
    ...person,
    means: 'The brokers are configured so that pgveil cannot write to them.',
    fix: 'Set `transaction.max.timeout.ms` of the brokers to 60000 or more.',
  },
  registry_rights: {
    ...person,
    means: 'The schema registry’s user lacks a right that pgveil needs.',
    fix: 'Allow it to read and write the subjects of the topics: their names followed by `-value`.',
  },
  kafka_lost: {
    ...person,
    means: 'Kafka lost a commit that it had acknowledged.',
    fix: 'Look at the brokers: a leader that lacked it may have been elected (`unclean.leader.election.enable`), or a single node was killed. Then start pgveil again: if the slot no longer has what follows that commit, everything is copied into Kafka again.',
  },
  lake_unfit: {
    ...person,
    means:
      'A lake cannot be there: it is not a folder, its file system has no hard links, or the store does not support conditional writes.',
    fix: 'Name another place in the sink’s `url`, or another store in its `endpoint`.',
  },
  target_exists: {
    ...person,
    means:
      'A sink already has something under the name of a table, or in the place of the lake, that this pipeline did not make.',
    fix: 'Rename or drop it, or give the sink another `url`.',
  },
  twin_encoding: {
    ...person,
    means: 'The twin database is not encoded as UTF8.',
    fix: 'Create it with ENCODING UTF8: other encodings lack characters that the source may have.',
  },
  newer_checkpoint: {
    ...person,
    means: 'The checkpoint was written by a newer pgveil.',
    fix: 'Run the newer version. To go back for good, first run `pgveil drop --data` with the newer version; the older one then copies everything.',
  },
  checkpoint_damaged: {
    ...person,
    means: 'What a sink stored of its checkpoint cannot be read: it was cut off or changed, or a part of it is gone.',
    fix: 'Restore what the message names. Or empty the sink, and everything is copied into it anew (docs/08-operations.md, “A damaged checkpoint”).',
  },
} as const satisfies Record<string, Kind>;
