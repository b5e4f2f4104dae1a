import type { Kind } from './error-kind.ts';

const person = { retry: 'person', recovery: 'stop', exit: 3 } as const;
const told = { retry: 'person', recovery: 'go on', exit: 3 } as const;
const warned = { retry: 'never', recovery: 'go on', exit: 1 } as const;
const away = { retry: 'soon', recovery: 'reopen', exit: 1 } as const;
const anew = { retry: 'soon', recovery: 'copy everything', exit: 1 } as const;

/** What concerns the pipeline as a whole. */
export const PIPELINE_ERRORS = {
  source_away: {
    ...away,
    means: 'The source does not answer.',
    fix: 'Nothing, if it comes back; otherwise check host, port and network.',
  },
  source_closing: {
    ...away,
    means: 'The source is shutting down or starting up.',
    fix: 'Nothing: pgveil let go of it and comes back.',
  },
  twin_away: {
    ...away,
    means: 'The twin does not answer, or refused for a passing reason (no connection free, starting up).',
    fix: 'Nothing, if it comes back; otherwise check host, port and connection limits.',
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
    fix: 'Look up the code; if it comes again, check bucket, region and what else writes there.',
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
      'What answers at `registry.url` is no schema registry that pgveil could use, or refused for an unknown reason.',
    fix: 'Check `registry.url`, the path included; look up the error code in the registry’s documents.',
  },
  source_failed: {
    ...away,
    means: 'The source refused a statement for a reason that pgveil does not know.',
    fix: 'Look up the SQLSTATE.',
  },
  protocol_violation: {
    ...away,
    means: 'The source sent something that is no message of its protocol.',
    fix: 'If it comes again, look at what stands between pgveil and the source; then report it.',
  },
  slot_in_use: {
    ...away,
    means: 'Another process reads from the slot.',
    fix: 'Nothing, if it is the instance before; otherwise end that process.',
  },
  slot_blocked: {
    ...away,
    means: 'The slot cannot be made while an older transaction (or a prepared one) is open on the source.',
    fix: 'End the transaction of the named pid, or wait for it.',
  },
  sink_detached: {
    ...away,
    means: 'A sink held back more WAL than the source may keep, and was let go of (`on_wal_limit: detach`).',
    fix: 'Nothing: when it answers again it copies everything for itself. Mend what keeps it away.',
  },
  fenced: {
    ...away,
    means: 'Another instance of this pipeline took a sink over.',
    fix: 'Nothing: this instance waits until the other is gone.',
  },
  not_running: {
    ...away,
    means: 'No process runs this pipeline on this machine, or it is another user’s.',
    fix: 'Start it with what is asked for: `pgveil run --recopy TABLE`, `pgveil run --approve TABLE@HASH`.',
  },
  interrupted: {
    ...away,
    means: 'What was asked of the running process was not recorded: it has lost a database at the moment, or ends.',
    fix: 'Ask again when `pgveil status` shows that it goes on.',
  },
  timed_out: {
    ...away,
    means: '`run --until-caught-up`, or a sink that `verify` compares, did not get there within the `--timeout`.',
    fix: 'Give it more time, or see what it waited for.',
  },

  credentials_refused: {
    ...person,
    means: 'A database refused the user or the password, or a broker or a token endpoint the credentials.',
    fix: 'Correct the URL, or pg_hba.conf; of Kafka, `sasl`.',
  },
  database_missing: { ...person, means: 'The database does not exist.', fix: 'Create it, or correct the URL.' },
  tls_failed: { ...person, means: 'TLS could not be established.', fix: 'Correct `sslmode`, or the certificates.' },
  no_tls: {
    ...warned,
    means:
      'The URL of the source, or of a twin, says nothing of TLS, and its server is on another machine: rows cross the network in clear text, the source’s raw.',
    fix: 'Add `?sslmode=verify-full&sslrootcert=/path/to/ca.crt` to the URL; or `?sslmode=disable`, where nobody can listen on the way.',
  },
  wal_level: {
    ...person,
    means: 'The source does not write logical WAL.',
    fix: 'ALTER SYSTEM SET wal_level = logical; and restart the server.',
  },
  source_version: { ...person, means: 'The source or the twin is older than PostgreSQL 14.', fix: 'Upgrade it.' },
  source_standby: {
    ...person,
    means:
      'The source is a standby: it cannot make a publication, and its WAL ends where the primary’s did a moment ago.',
    fix: 'Point `source.url` at the primary.',
  },
  source_encoding: {
    ...person,
    means: 'The source database is not encoded as UTF8.',
    fix: 'Convert the database: its text cannot be carried without loss.',
  },
  source_rights: { ...person, means: 'The source’s user lacks a right that pgveil needs.', fix: 'Run the SQL shown.' },
  no_free_slot: {
    ...person,
    means: 'The source has no free replication slot.',
    fix: 'Raise max_replication_slots, or drop a slot that nobody uses.',
  },
  no_free_sender: { ...person, means: 'The source has no free WAL sender.', fix: 'Raise max_wal_senders.' },
  no_spare_slot: {
    ...told,
    means: 'A table that has to be copied anew needs a replication slot beside the pipeline’s own, and none is free.',
    fix: 'Raise max_replication_slots, or drop a slot that nobody uses.',
  },
  no_spare_sender: {
    ...told,
    means: 'A table that has to be copied anew needs a WAL sender beside the pipeline’s own, and none is free.',
    fix: 'Raise max_wal_senders.',
  },
  slot_without_failover: {
    ...told,
    means: '`source.failover` is true, and the server is older than PostgreSQL 17: no standby can keep the slot.',
    fix: 'Upgrade the server, or take `source.failover` out: after a promotion everything is copied again.',
  },
  wal_retained: {
    ...told,
    means: 'A slot keeps more WAL on the source than `source.wal_alarm.retained`.',
    fix: 'See in `pgveil status` which sink is behind, and mend that; watch the space that the source has for its WAL. What a slot `pgveil_copy_…` keeps goes when its copy is over.',
  },
  wal_time_left: {
    ...told,
    means:
      'A slot would be lost within `source.wal_alarm.time_left`, at the rate at which the source writes WAL, were it to stay where it is.',
    fix: 'See in `pgveil status` which sink is behind, and mend that, or raise max_slot_wal_keep_size on the source. A slot `pgveil_copy_…` stays where it is until its copy is over: raise it.',
  },
  wal_limit: {
    ...told,
    means:
      'A slot keeps more WAL than it may, and no sink could be let go of that would change it: all may hold it, or are equally far behind.',
    fix: 'Mend the sink that is behind, set its `on_wal_limit: detach`, or raise max_slot_wal_keep_size (or `source.wal_limit`).',
  },
  slot_unfit: {
    ...person,
    means: 'A replication slot of the configured name is there, and it is none that pgveil could read from.',
    fix: 'Set `source.slot` to another name. Or, if nobody needs that slot, drop it yourself by pg_drop_replication_slot: `pgveil drop` leaves it alone.',
  },
  change_too_large: {
    ...person,
    means:
      'The WAL holds a change whose row is larger than 1 GB as text (bytea counts twice, and under REPLICA IDENTITY FULL the row before as well). The server cannot send it, nor anything behind it.',
    fix: 'Make the row smaller, or take its table out of `tables`. Then drop the slot and start pgveil: everything is copied anew (docs/08-operations.md, “A change that is too large”).',
  },
  publication_missing: {
    ...person,
    means: 'The publication is not there and may not be created.',
    fix: 'Run the SQL shown.',
  },
  publication_unfit: {
    ...person,
    means: 'The publication lacks tables or operations, or has row filters or column lists.',
    fix: 'Run the SQL shown.',
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
    means: 'The brokers are set up so that pgveil cannot write to them.',
    fix: 'Set `transaction.max.timeout.ms` of the brokers to 60000 or more.',
  },
  registry_rights: {
    ...person,
    means: 'The schema registry’s user lacks a right that pgveil needs.',
    fix: 'Allow it to read and write the subjects of the topics: their names, and `-value` behind them.',
  },
  kafka_lost: {
    ...person,
    means: 'Kafka lost a commit that it had acknowledged.',
    fix: 'Look at the brokers: a leader may have been elected that lacked it (`unclean.leader.election.enable`), or a single node was killed. Then start again: what follows that commit on the source is copied anew where it is gone.',
  },
  lake_unfit: {
    ...person,
    means:
      'A lake cannot lie there: no folder, a file system without hard links, or a store that does not know conditional writes.',
    fix: 'Name another place in the sink’s `url`, or another store in its `endpoint`.',
  },
  target_exists: {
    ...person,
    means:
      'A sink has something under the name of a table, or in the place of the lake, that this pipeline did not make.',
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
    fix: 'Run that version, or `pgveil drop --data` and start anew.',
  },
  history_changed: {
    ...person,
    means: 'The source is another server or database, or was restored or promoted without what the twin has.',
    fix: 'Make sure that it is the right server; then `pgveil run --accept-source` copies everything from it, once.',
  },
  approve_refused: {
    ...told,
    means: 'What was to be approved is not what the table is now, or no name of it has moved.',
    fix: 'Look at what the message shows, and approve that.',
  },
  gap_held: {
    ...person,
    means: 'The slot was lost and `on_gap: halt` forbids a new copy.',
    fix: 'Set `source.on_gap: recopy`.',
  },
  key_changed: {
    ...person,
    means: 'The redaction key is not the one the twin was made with.',
    fix: 'Restore the key; if it was changed on purpose, `pgveil run --accept-key` copies everything anew, once.',
  },

  slot_lost: {
    ...anew,
    means: 'The slot is missing, was invalidated, or was made anew: changes between may be lost.',
    fix: 'Nothing: everything is copied again.',
  },
  copy_unfinished: {
    ...anew,
    means: 'A table was made at the moment when a copy began.',
    fix: 'Nothing: the copy begins again.',
  },
  rule_changed: {
    retry: 'soon',
    recovery: 'copy table',
    exit: 1,
    means: 'A rule or the set of tables changed since the copy.',
    fix: 'Nothing: the table is copied again.',
  },
} as const satisfies Record<string, Kind>;
