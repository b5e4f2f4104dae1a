import { z } from 'zod';
import { canonicalTableName } from '../src/core/table-name.ts';
import { fields, flag, named, problem, whole, word } from './field.ts';
import { decision } from './rules.ts';
import { sinks } from './sinks.ts';
import {
  alarmSize,
  alarmTime,
  identifier,
  key,
  listen,
  memory,
  pipelineName,
  postgresUrl,
  retry,
  slotName,
  someText,
  tableName,
  tableSize,
} from './texts.ts';

// The file, from its tables to the whole. What may stand in a column's place: rules.ts; what is fed: sinks.ts.

const table = fields(
  {
    key: z
      .array(identifier, { error: problem('is not a list of columns', 'write the columns: [id, region]') })
      .min(1, { error: problem('names no column', 'name one, or leave it out for the primary key') })
      .refine((columns) => new Set(columns).size === columns.length, {
        error: problem('names a column twice', 'keep one of the two'),
      })
      .optional()
      .describe('columns of a unique index over NOT NULL columns; the primary key by default'),
    columns: named(identifier, decision, 'write column: decision on each line').describe(
      'a decision for each column; one without is withheld',
    ),
  },
  ['rows'],
);

const tables = named(
  tableName,
  z.union([word(['skip'], ['structure']), table], {
    error: problem('is not a table', 'write skip, or columns: and a decision for each column below it'),
  }),
  'write schema.table: and below it skip or its columns',
).superRefine(
  (given, context) => {
    const seen = new Set<string>();
    for (const written of given.keys()) {
      const name = canonicalTableName(written);
      if (name === null) continue;
      const message = problem('is there already, spelled otherwise', 'keep one of the two');
      if (seen.has(name)) context.addIssue({ code: 'custom', message, path: [written] });
      seen.add(name);
    }
  },
  { when: ({ value }) => value instanceof Map },
);

export const schema = fields({
  version: z
    .literal(1, { error: problem('is not a version that this pgveil reads', 'write version: 1') })
    .describe('of this format'),
  name: pipelineName.describe('slot, publication and checkpoints are named after it'),
  key: key.describe('32 bytes or more, in base64 or hex'),
  source: fields({
    url: postgresUrl.describe('the database that is copied; with ?sslmode=verify-full for TLS'),
    publication: identifier.optional().describe('pgveil_NAME by default; created when absent and allowed'),
    slot: slotName.optional().describe('pgveil_NAME by default'),
    snapshot: fields({ workers: whole(1, 64).prefault(5).describe('connections that copy at the same time') }).prefault(
      {},
    ),
    on_gap: word(['recopy', 'halt'])
      .prefault('recopy')
      .describe('when the slot was lost: copy everything again, or wait for an operator'),
    failover: flag()
      .optional()
      .describe('whether the slot is kept on standbys, too: Postgres 17 and later; there true by default'),
    wal_alarm: fields({
      retained: alarmSize.prefault('10GB').describe('warn when a slot keeps this much WAL on the source'),
      time_left: alarmTime
        .prefault('2 hours')
        .describe('warn when a slot would be lost in less, at the rate at which the source writes WAL'),
    }).prefault({}),
    wal_limit: alarmSize
      .optional()
      .describe('what a slot may keep, for on_wal_limit: detach; nine tenths of max_slot_wal_keep_size by default'),
  }),
  unlisted: fields({
    tables: word(['skip']).prefault('skip').describe('a table that is not listed never leaves'),
    columns: word(['withhold', 'halt'])
      .prefault('withhold')
      .describe('a column without a decision is NULL in the twin, absent elsewhere and reported; or its table halts'),
  }).prefault({}),
  tables,
  sinks,
  recopy: fields({
    auto_below: tableSize
      .prefault('100GB')
      .describe('a larger table whose definition changed waits for `pgveil recopy`'),
    retry: retry
      .prefault('5 minutes')
      .describe('the longest wait between two copies of one table: 1 s, then twice as long each time, up to this'),
  }).prefault({}),
  memory: memory.prefault('256MB').describe('limit of everything queued'),
  http: fields({
    listen: listen
      .prefault('127.0.0.1:8787')
      .describe('for /live, /ready, /status and /metrics: without login or TLS; port 0 is any that is free'),
  }).prefault({}),
  control: someText
    .optional()
    .describe(
      'path of the Unix socket for recopy and approve; pgveil-UID-NAME.sock in $XDG_RUNTIME_DIR or the folder for temporary files by default',
    ),
});

/** A file that the schema accepts, with defaults filled in; `config.ts` makes the program's own view of it. */
export type Settings = z.output<typeof schema>;
