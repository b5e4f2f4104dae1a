import { type Kind, told } from './error-kind.ts';

/** How the source's server is set up: what works today but will not always. */
export const SERVER_ERRORS = {
  source_outdated: {
    ...told,
    means:
      'The source runs a minor version of PostgreSQL that can silently lose changes of a table that is added to the publication while others stream, when a transaction that wrote to it is open.',
    fix: 'Update the server to a later minor version: 14.18, 15.13, 16.9 or 17.5 at least. Until then, where a table was added: start pgveil again, and then `pgveil recopy TABLE`.',
  },
  sync_standby: {
    ...told,
    means:
      'The source counts pgveil among its synchronous standbys. Commits there may wait for pgveil, which waits until they are visible: the application hangs.',
    fix: 'Name the standbys in synchronous_standby_names on the source, by an application_name that is not pgveil’s, instead of `*`.',
  },
  slot_idle_timeout: {
    ...told,
    means:
      'The source gives up slots that nobody reads from for idle_replication_slot_timeout, also while tables are copied under them: a copy that takes longer begins again and again. So does everything when pgveil is down for that long.',
    fix: 'ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();',
  },
  snapshot_timeout: {
    ...told,
    means:
      'The source limits how long a snapshot may be read (old_snapshot_threshold). A copy that takes longer fails with “snapshot too old”.',
    fix: 'ALTER SYSTEM SET old_snapshot_threshold = -1; and restart the server.',
  },
  copy_slot_lost: {
    retry: 'soon',
    recovery: 'copy table',
    exit: 1,
    means:
      'The server gave up the temporary slot of a copy beside the stream: it kept more WAL than max_slot_wal_keep_size.',
    fix: 'Raise max_slot_wal_keep_size on the source above the WAL that it writes while the table is copied, or have it copied when less is written. It is tried again by itself.',
  },
} as const satisfies Record<string, Kind>;
