import { type Kind, warned } from './error-kind.ts';

/** What a person should know of a table, or of a rule for tables, that goes on all the same. */
export const TABLE_WARNINGS = {
  withheld: {
    ...warned,
    means:
      'Values of a column could not be rewritten by its rule, and arrived as NULL. How many: counted since the copy, or since pgveil began.',
    fix: 'Choose a rule that fits every value of the column.',
  },
  column_renamed: {
    ...warned,
    means: 'A column was renamed on the source, and took its decision along.',
    fix: 'Rename it in the configuration.',
  },
  column_gone: {
    ...warned,
    means: 'A column that the configuration has a decision for was dropped on the source.',
    fix: 'Remove the column from the configuration.',
  },
  type_missing: {
    ...warned,
    means: 'The twin lacks the type of a column, an extension’s for example: the column is text there.',
    fix: 'Nothing, or name another type in `sinks.X.types`.',
  },
  type_unmatched: {
    ...warned,
    means: 'No column in the twin has this type of `sinks.X.types`: it lacks its schema, or is misspelt.',
    fix: 'Write the type as Postgres does, or remove it.',
  },
  index_left_out: {
    ...warned,
    means: 'An index of the source is not on the twin: it is partial, on an expression, or could not be built there.',
    fix: 'Nothing, if it is not missed; otherwise create one there by hand.',
  },
  view_dropped: {
    ...warned,
    means: 'A view of yours on the twin no longer compiles, because columns of the table are gone: it was dropped.',
    fix: 'Correct the SQL shown, and create it again.',
  },
  view_empty: {
    ...warned,
    means:
      'A materialized view of yours on the twin was created again, because columns of the table changed, and could not be filled.',
    fix: 'Correct it, and refresh it: the SQL shown.',
  },
  values_unsent: {
    ...warned,
    means:
      'Postgres does not send large values that an update left unchanged, so messages of the table lack them: the last message of a row is not the whole row.',
    fix: 'ALTER TABLE … REPLICA IDENTITY FULL; or have readers take such a value from the row’s previous message.',
  },
  writes_refused: {
    ...warned,
    means:
      'A published table was changed so that PostgreSQL refused UPDATE and DELETE on it (it lost its replica identity, or got one with a virtual generated column). pgveil took it out of its publication within seconds; the table halts.',
    fix: 'Do what the halt of the table says. It is published again with its next copy.',
  },
  topic_at_risk: {
    ...warned,
    means:
      'A topic is set up so that it may lose what it acknowledged, refuse messages when a broker is away, or refuse large rows.',
    fix: 'Change the topic, or the brokers’ defaults, as the message has it.',
  },
} as const satisfies Record<string, Kind>;
