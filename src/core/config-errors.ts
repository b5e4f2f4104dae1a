import type { Kind } from './error-kind.ts';

const config = { retry: 'never', recovery: 'stop', exit: 2 } as const;
const defect = { retry: 'never', recovery: 'stop', exit: 1 } as const;

/** What concerns the command that was given, or the configuration; and what is nobody's mistake but ours. */
export const CONFIG_ERRORS = {
  command_line: { ...config, means: 'The command line has an error.', fix: 'See `pgveil --help`.' },
  cannot_listen: {
    ...config,
    means: 'pgveil cannot listen at `http.listen`: another process does, or the address is not this machine’s.',
    fix: 'Set `http.listen` to a free port of this machine, or end the other process.',
  },
  internal: {
    ...defect,
    means: 'pgveil has a defect.',
    fix: 'Report the lines shown: they say where it happened and contain no value.',
  },

  config_invalid: { ...config, means: 'The configuration has an error.', fix: 'Correct the named line.' },
  node_too_old: { ...config, means: 'Node is older than pgveil needs.', fix: 'Start pgveil with a newer Node.' },
  not_built_yet: {
    ...config,
    means: 'The configuration asks for something that this version does not have.',
    fix: 'Remove the named key.',
  },
  unknown_table: {
    ...config,
    means: 'A configured table never existed.',
    fix: 'Correct the name, or remove the table from `tables`.',
  },
  unknown_column: {
    ...config,
    means: 'A configured column never existed.',
    fix: 'Correct the name, or remove the column.',
  },
  rule_misfit: {
    ...config,
    means: 'A rule cannot fit its column (type, length, range).',
    fix: 'Choose another rule for the column.',
  },
  key_not_injective: {
    ...config,
    means: 'A rule on a key column could give two rows one key.',
    fix: 'Use `keep`, `hash` with a length of 32 or more, or `fake` with `unique: true`.',
  },
  unknown_key: {
    ...config,
    means: 'The configured `key` of a table is not one of its usable unique indexes.',
    fix: 'Name the columns of a valid, immediate, unique index over NOT NULL columns.',
  },
  reserved_schema: {
    ...config,
    means: 'A configured table lives in a schema called `pgveil`, which is taken on the twin.',
    fix: 'Rename the schema on the source, or leave the table out.',
  },
  sink_shared: {
    ...config,
    means: 'Two sinks are the same database, or the same cluster of brokers.',
    fix: 'Point one of them at another one: a pipeline has one checkpoint in each.',
  },
  twin_is_source: {
    ...config,
    means: 'Source and twin are the same database.',
    fix: 'Point the sink’s `url` at another database.',
  },
} as const satisfies Record<string, Kind>;
