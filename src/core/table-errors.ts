import type { Kind } from './error-kind.ts';

const table = { retry: 'person', recovery: 'halt table', exit: 3 } as const;

/** Also where one sink alone refused it: those that are together hold the same of each table. */
const everywhere = 'The table halts in all sinks.';

/** What concerns one table, and halts it while the others go on, unless it says otherwise. */
export const TABLE_ERRORS = {
  no_key: {
    ...table,
    means: 'The table has no usable key.',
    fix: 'Add a primary key, or set REPLICA IDENTITY and name the columns in `tables.X.key`.',
  },
  identity_unfit: {
    ...table,
    means:
      'PostgreSQL 18 refuses every UPDATE and DELETE on a published table whose replica identity holds a generated column that is not sent: a virtual one never is, a stored one where the publication says so. pgveil does not publish such a table, and takes it out of a publication of its own.',
    fix: 'The SQL shown: a replica identity without the column (DEFAULT, or USING INDEX), or `publish_generated_columns = stored` in a publication of yours, after which everything is copied again. Until then UPDATE and DELETE fail on a table in a publication of yours: take it out meanwhile.',
  },
  table_missing: {
    ...table,
    means: 'The table’s name is gone: it was renamed, moved or dropped.',
    fix: 'Correct the configuration, or rename it back.',
  },
  table_unfit: {
    ...table,
    means:
      'Postgres sends no changes of it, or not under this name: a view, a foreign, unlogged or temporary table, a partition of a listed table.',
    fix: 'List another table, or make it an ordinary one.',
  },
  table_unreadable: {
    ...table,
    means: 'The source’s user may not read the table, or row-level security would hide rows.',
    fix: 'Run the SQL shown.',
  },
  names_moved: {
    ...table,
    means: 'A column or table took the name of another one that has a decision of its own.',
    fix: '`pgveil approve TABLE@HASH`, as the message has it, if the configuration means what its names stand for now; otherwise rename them back, or correct the configuration.',
  },
  names_unknown: {
    ...table,
    means:
      'The table would be taken in by the names of its columns, and a sink that has not answered since the start may know that they once stood for something else.',
    fix: 'Nothing, if the sink comes back: the table is copied then. A sink that is gone for good is to be taken out of the configuration.',
  },
  undecided_column: {
    ...table,
    means: 'A column has no decision and `unlisted.columns` is `halt`.',
    fix: 'Give the column a decision.',
  },
  rule_outgrown: {
    ...table,
    means: 'A column or the key changed on the source, and a rule that fitted no longer fits.',
    fix: 'Choose another rule for the column, or change the source back; the table is copied again.',
  },
  rule_failed: {
    ...table,
    means: 'The rule of a key column could not rewrite a value.',
    fix: 'Choose another rule for the key column; the table is copied again at the next start.',
  },
  key_collision: {
    ...table,
    means: `An inserted row has the key of another one. ${everywhere}`,
    fix: 'Choose an injective rule for the key; the table is copied again at the next start.',
  },
  row_missing: {
    ...table,
    means: `A changed row is not in the twin, and its unchanged large values were not sent. ${everywhere}`,
    fix: 'Copy the table again: `pgveil recopy TABLE`.',
  },
  twin_refused: {
    ...table,
    means: `The twin refused a row: a value does not fit its column there, or the table was changed there. ${everywhere}`,
    fix: 'Look up the SQLSTATE; correct the rule, `sinks.X.types` or the table; then `pgveil recopy TABLE`.',
  },
  lake_refused: {
    ...table,
    means: `Rows of the table could not be written to a file: one is too large for the memory available, or DuckDB rejected the rows. ${everywhere}`,
    fix: 'Decide `drop` for columns with values of hundreds of megabytes, or truncate them; then `pgveil recopy TABLE`. If there are none, report it.',
  },
  swap_blocked: {
    ...table,
    means: `Something of yours on the twin (a foreign key, a view) keeps a new copy from taking the place of the old one. ${everywhere}`,
    fix: 'Drop what the message names, `pgveil recopy TABLE`, and create it again.',
  },
  twin_full: {
    ...table,
    retry: 'soon',
    means: `The twin has no room for a second generation of the table; its old content stays readable. ${everywhere}`,
    fix: 'Make room on the twin (or raise `sinks.X.room`); it is tried again after `recopy.retry`, or at once by `pgveil recopy TABLE`.',
  },
  message_too_large: {
    ...table,
    means: `A row is larger than its topic allows. ${everywhere}`,
    fix: 'Raise `max.message.bytes` of the topic, or decide `drop`, `truncate` or `hash` for the large column; then `pgveil recopy TABLE`.',
  },
  topic_unfit: {
    ...table,
    means: `The topic of the table does not exist and may not be created, or pgveil cannot write to it. ${everywhere}`,
    fix: 'Create it, or change it, as the message has it; then `pgveil recopy TABLE`.',
  },
  schema_refused: {
    ...table,
    means: `The schema registry refused the schema of the table: its definition changed in a way that readers of the older schema cannot read. ${everywhere}`,
    fix: 'Set the compatibility of the subject to NONE in the registry, or delete the subject; then `pgveil recopy TABLE`.',
  },
  too_wide: {
    ...table,
    means: `The table has more columns than the twin can hold. ${everywhere}`,
    fix: 'Decide `drop` for some columns.',
  },
  reserved_column: {
    ...table,
    means: `The table has a column with a name that a sink needs for itself: the twin’s key, or one of the lake’s own columns. ${everywhere}`,
    fix: 'Rename that column or decide `drop` for it, or, where it is the twin’s key, set `sinks.X.source_primary_key` to another name before the first copy.',
  },
  stale: {
    retry: 'soon',
    recovery: 'copy table',
    exit: 1,
    means:
      'The table changed without a row in the stream, or its definition changed; its old content stays readable. A table of `recopy.auto_below` or more is *halted* with this code, and waits for a person.',
    fix: 'Nothing: the table is copied again. If it is halted: `pgveil recopy TABLE`.',
  },
} as const satisfies Record<string, Kind>;
