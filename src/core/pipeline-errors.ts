import { away, type Kind, person, told, warned } from './error-kind.ts';

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
    fix: 'Nothing: pgveil disconnected and will reconnect.',
  },
  source_failed: {
    ...away,
    means: 'The source refused a statement for a reason that pgveil does not know.',
    fix: 'Look up the SQLSTATE.',
  },
  protocol_violation: {
    ...away,
    means: 'The source sent something that is not a message of its protocol.',
    fix: 'If it returns, look at what stands between pgveil and the source; then report it.',
  },
  slot_in_use: {
    ...away,
    means: 'Another process reads from the slot.',
    fix: 'Nothing, if it is the previous instance; otherwise end that process.',
  },
  slot_blocked: {
    ...away,
    means: 'The slot cannot be made while an older transaction (or a prepared one) is open on the source.',
    fix: 'End the transaction of the named pid, or wait for it.',
  },
  fenced: {
    ...away,
    means: 'Another instance of this pipeline took over a sink.',
    fix: 'Nothing: this instance waits until the other is gone.',
  },
  not_running: {
    ...away,
    means: 'No process runs this pipeline on this machine, or it runs as another user.',
    fix: 'Start it with the same request: `pgveil run --recopy TABLE`, `pgveil run --approve TABLE@HASH`.',
  },
  interrupted: {
    ...away,
    means: 'The request was not recorded: the running process has lost a database for now, or is ending.',
    fix: 'Ask again when `pgveil status` shows that it works again.',
  },
  timed_out: {
    ...away,
    means: '`run --until-caught-up`, or a sink that `verify` compares, did not catch up within the `--timeout`.',
    fix: 'Give it more time, or see what it waited for.',
  },

  credentials_refused: {
    ...person,
    means: 'A database refused the user or the password, or a broker or a token endpoint the credentials.',
    fix: 'Correct the URL, or pg_hba.conf; for Kafka, `sasl`.',
  },
  database_missing: { ...person, means: 'The database does not exist.', fix: 'Create it, or correct the URL.' },
  tls_failed: {
    ...person,
    means: 'TLS could not be established.',
    fix: 'Correct `sslmode` and `sslrootcert`, or the certificates.',
  },
  no_tls: {
    ...warned,
    means:
      'The URL of the source, or of a twin, says nothing about TLS, and its server is on another machine: rows cross the network in clear text, the source’s raw.',
    fix: "Add `sslmode=verify-full&sslrootcert=/path/to/ca.crt` to the URL's parameters; or `sslmode=disable`, if nobody can listen on the way.",
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
    fix: 'Raise max_replication_slots, or drop a slot that is not in use.',
  },
  no_free_sender: { ...person, means: 'The source has no free WAL sender.', fix: 'Raise max_wal_senders.' },
  no_spare_slot: {
    ...told,
    means: 'A table that has to be copied again needs a replication slot beside the pipeline’s own, and none is free.',
    fix: 'Raise max_replication_slots, or drop a slot that is not in use.',
  },
  no_spare_sender: {
    ...told,
    means: 'A table that has to be copied again needs a WAL sender beside the pipeline’s own, and none is free.',
    fix: 'Raise max_wal_senders.',
  },
  slot_without_failover: {
    ...told,
    means: '`source.failover` is true, and the server is older than PostgreSQL 17: no standby can keep the slot.',
    fix: 'Upgrade the server, or remove `source.failover`: after a promotion everything is copied again.',
  },
  wal_retained: {
    ...told,
    means: 'A slot keeps more WAL on the source than `source.wal_alarm.retained`.',
    fix: 'See in `pgveil status` which sink is behind, and fix it; watch the space that the source has for its WAL. What a slot `pgveil_copy_…` keeps goes when its copy is over.',
  },
  wal_time_left: {
    ...told,
    means:
      'A slot would be lost within `source.wal_alarm.time_left` if it did not move, at the rate at which the source writes WAL.',
    fix: 'See in `pgveil status` which sink is behind, and fix it, or raise max_slot_wal_keep_size on the source. A slot `pgveil_copy_…` does not move until its copy is over: raise it.',
  },
  wal_limit: {
    ...told,
    means:
      'A slot keeps more WAL than it may, and no sink can be detached to free it: one of the slowest has `on_wal_limit: hold`, or all are equally far behind.',
    fix: 'Fix the sink that is behind, set its `on_wal_limit: detach`, or raise max_slot_wal_keep_size (or `source.wal_limit`).',
  },
  slot_unfit: {
    ...person,
    means: 'A replication slot with the configured name exists, and pgveil cannot read from it.',
    fix: 'Set `source.slot` to another name. Or, if nobody needs that slot, drop it yourself by pg_drop_replication_slot: `pgveil drop` leaves it alone.',
  },
  change_too_large: {
    ...person,
    means:
      'The WAL holds a change whose row is larger than 1 GB as text (bytea counts twice, and under REPLICA IDENTITY FULL the row before as well). The server cannot send it, nor anything behind it.',
    fix: 'Make the row smaller, or take its table out of `tables`. Then drop the slot and start pgveil: everything is copied again (docs/08-operations.md, “A change that is too large”).',
  },
  publication_missing: {
    ...person,
    means: 'The publication does not exist, and pgveil may not create it.',
    fix: 'Run the SQL shown.',
  },
  publication_unfit: {
    ...person,
    means: 'The publication lacks tables or operations, or has row filters or column lists.',
    fix: 'Run the SQL shown.',
  },
  history_changed: {
    ...person,
    means: 'The source is another server or database, or was restored or promoted without what the sinks have.',
    fix: 'Make sure that it is the right server; then `pgveil run --accept-source` copies everything from it, once.',
  },
  approve_refused: {
    ...told,
    means: 'What was to be approved is not what the table is now, or none of its names has moved.',
    fix: 'Look at what the message shows, and approve that.',
  },
  gap_held: {
    ...person,
    means: 'The slot was lost and `on_gap: halt` forbids a new copy.',
    fix: 'Set `source.on_gap: recopy`.',
  },
  key_changed: {
    ...person,
    means: 'The redaction key is not the one the sinks were filled with.',
    fix: 'Restore the key; if it was changed on purpose, `pgveil run --accept-key` copies everything again, once.',
  },

  slot_lost: {
    ...anew,
    means: 'The slot is missing, was invalidated, or was created again: changes may be missing from it.',
    fix: 'Nothing: everything is copied again.',
  },
  copy_unfinished: {
    ...anew,
    means: 'A table was created at the moment when a copy began.',
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
