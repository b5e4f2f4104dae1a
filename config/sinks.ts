import { z } from 'zod';
import { fields, flag, isMapping, named, notBuilt, notBuiltIssue, problem, word } from './field.ts';
import { endpoint, flushSize, flushTime, identifier, lakeUrl, postgresUrl, someText, tableSize } from './texts.ts';

const twin = fields(
  {
    type: z.literal('postgres'),
    url: postgresUrl,
    indexes: flag().default(true).describe("whether the source's indexes are built on the twin after the copy"),
    types: named(identifier, someText, 'write type: type on each line')
      .prefault({})
      .describe('type on the source: type on the twin'),
    source_primary_key: identifier.default('source_primary_key').describe('name of the column that holds the key'),
    room: tableSize.optional().describe('a copy waits that would make its database larger, the old content included'),
  },
  ['patience', 'on_wal_limit'],
);

const lake = fields(
  {
    type: z.literal('lake'),
    url: lakeUrl.describe('s3://bucket/prefix or file:///path'),
    endpoint: endpoint.optional().describe('of a store other than AWS: http://host:port'),
    flush: fields({
      bytes: flushSize.prefault('128MB').describe('what is written is committed when it is so much'),
      every: flushTime.prefault('5 minutes').describe('or when it is so old'),
    }).prefault({}),
    timestamps: word(['timestamp_ntz', 'string'])
      .default('timestamp_ntz')
      .describe('string: timestamps without a zone are texts, which every reader of Delta reads'),
  },
  ['patience', 'on_wal_limit'],
).superRefine(({ url, endpoint }, context) => {
  const message = problem('is for s3:// only', 'take it out');
  if (endpoint && url.kind === 'folder') context.addIssue({ code: 'custom', path: ['endpoint'], message });
});

const kafka = notBuilt(z.looseObject({ type: z.literal('kafka') }), 'kafka', ['type']).transform((): never => z.NEVER);

export const sinks = named(
  identifier,
  z.discriminatedUnion('type', [twin, lake, kafka], {
    error: problem('is not a sink that pgveil knows', 'write type: postgres or type: lake, and its url'),
  }),
  'write the name of a sink, and below it its type and its url',
).superRefine(
  (given, context) => {
    if (given.size === 0) {
      context.addIssue({ code: 'custom', message: problem('has no sink', 'add one, of type: postgres or type: lake') });
    }
    const types = new Set<unknown>();
    for (const [name, sink] of given) {
      const { type } = isMapping(sink) ? sink : {};
      if (type !== undefined && types.has(type)) {
        context.addIssue({ ...notBuiltIssue('several sinks of one type'), path: [name] });
      }
      types.add(type);
    }
  },
  { when: ({ value }) => value instanceof Map },
);
