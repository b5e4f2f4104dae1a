import { z } from 'zod';
import { fields, flag, isMapping, named, problem, whole, word } from './field.ts';
import { sasl } from './sasl.ts';
import {
  anyText,
  brokers,
  endpoint,
  flushSize,
  flushTime,
  identifier,
  lakeUrl,
  patience,
  postgresUrl,
  registryUrl,
  secretText,
  someText,
  tableSize,
  topicTemplate,
} from './texts.ts';

/** Of every kind. */
const absence = {
  patience: patience
    .prefault('30s')
    .describe('how long it may be away before its WAL is kept in a slot of its own, and the others go on'),
  on_wal_limit: word(['hold', 'detach'])
    .prefault('hold')
    .describe(
      'when its slot keeps more than source.wal_limit. hold: it goes on; detach: it is dropped, and the sink copies everything later',
    ),
};

const twin = fields({
  ...absence,
  type: z.literal('postgres').describe('the kind of sink'),
  url: postgresUrl.describe('the database that holds the copy; with ?sslmode=verify-full for TLS'),
  indexes: flag().prefault(true).describe("whether the source's indexes are built on the twin after the copy"),
  types: named(identifier, someText, 'write type: type on each line')
    .prefault({})
    .describe('type on the source, as Postgres writes it with its schema (public.mood): type on the twin'),
  source_primary_key: identifier.prefault('source_primary_key').describe('name of the column that holds the key'),
  room: tableSize.optional().describe('a copy waits that would make its database larger, the old content included'),
});

const lake = fields({
  ...absence,
  type: z.literal('lake').describe('the kind of sink'),
  url: lakeUrl.describe('s3://bucket/prefix or file:///path'),
  endpoint: endpoint.optional().describe('of a store other than AWS: http://host:port'),
  flush: fields({
    bytes: flushSize.prefault('128MB').describe('written rows are committed once they reach this size'),
    every: flushTime.prefault('5 minutes').describe('or once the oldest is this old'),
  }).prefault({}),
  timestamps: word(['timestamp_ntz', 'string'])
    .prefault('timestamp_ntz')
    .describe('string: timestamps without a zone are texts, which every reader of Delta reads'),
}).superRefine(({ url, endpoint }, context) => {
  const message = problem('is for s3:// only', 'take it out');
  if (endpoint && url.kind === 'folder') context.addIssue({ code: 'custom', path: ['endpoint'], message });
});

const registry = fields({
  url: registryUrl.describe('https://host:port, with a path where the registry has one'),
  format: word(['avro', 'json']).prefault('avro').describe('what messages are written in'),
  username: someText.optional().describe('for a registry that wants a login'),
  password: secretText.optional().describe('beside username'),
}).superRefine(({ username, password }, context) => {
  const [path, other] = username === undefined ? ['username', 'password'] : ['password', 'username'];
  const message = problem('is missing', `write it beside ${other}, or neither`);
  if ((username === undefined) !== (password === undefined))
    context.addIssue({ code: 'custom', path: [path], message });
});

const kafka = fields({
  ...absence,
  type: z.literal('kafka').describe('the kind of sink'),
  brokers: z
    .array(brokers, { error: problem('is not a list of brokers', 'write the brokers: [host:9092]') })
    .min(1, { error: problem('names no broker', 'name one: [host:9092]') })
    .transform((lists) => lists.flat())
    .describe('one or more of the cluster; a text may hold several, with commas between'),
  topic: topicTemplate.prefault('{name}.{schema}.{table}').describe('of each table'),
  topics: fields({
    create: flag().prefault(true).describe('false: they have to be there'),
    partitions: whole(1, 10_000).optional().describe('of one that is created; by default as the brokers have it'),
    replicas: whole(1, 100).optional().describe('of one that is created; by default as the brokers have it'),
    config: named(someText, anyText, 'write name: value on each line')
      .prefault({})
      .describe('of one that is created, as Kafka calls it; retention.ms is -1 unless set here'),
  }).prefault({}),
  format: word(['debezium', 'flat'])
    .prefault('debezium')
    .describe('debezium: an envelope with before and after; flat: the row itself'),
  schema: word(['none', 'inline', 'registry'])
    .prefault('none')
    .describe('inline: in each message of debezium; registry: where registry says'),
  registry: registry.optional().describe('a Schema Registry, of schema: registry'),
  int8: word(['number', 'string']).prefault('number').describe('string: for readers that cannot hold a bigint'),
  unchanged: word(['refuse', 'allow'])
    .prefault('refuse')
    .describe('allow: a compacted topic may lack large values that an update left alone'),
  compression: word(['zstd', 'none']).prefault('zstd').describe('of the records'),
  split: flushSize.prefault('100MB').describe('a larger transaction is committed in parts'),
  tls: fields({
    ca: someText.optional().describe('PEM; by default the authorities of the system'),
    certificate: someText.optional().describe('PEM: the certificate by which brokers know pgveil'),
    key: secretText.optional().describe('PEM: the key of that certificate'),
  })
    .optional()
    .describe('{} for the authorities of the system; without it there is no TLS'),
  sasl: sasl.optional().describe('how pgveil logs in to the brokers; without it, it does not'),
}).superRefine(({ format, schema, registry }, context) => {
  const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (format === 'flat' && schema === 'inline')
    refuse('schema', problem('is for format: debezium only', 'take it out'));
  if (schema === 'registry' && !registry)
    refuse('registry', problem('is missing', 'write registry: and below it its url'));
  if (schema !== 'registry' && registry) refuse('registry', problem('is for schema: registry only', 'take it out'));
});

/** What two sinks cannot share, by the key that says where it is. What only the place itself can tell `check` asks. */
function placesOf(sink: unknown): { readonly key: string; readonly places: readonly string[] } {
  if (!isMapping(sink)) return { key: '', places: [] };
  const { type, brokers } = sink;
  if (type === 'lake') return { key: 'url', places: [JSON.stringify([sink.url, sink.endpoint])] };
  return {
    key: 'brokers',
    places: type === 'kafka' && Array.isArray(brokers) ? brokers.map((one) => JSON.stringify(one)) : [],
  };
}

export const sinks = named(
  identifier,
  z.discriminatedUnion('type', [twin, lake, kafka], {
    error: problem('is not a sink that pgveil knows', 'write type: postgres, lake or kafka'),
  }),
  'write the name of a sink, and below it its type and where it is',
).superRefine(
  (given, context) => {
    if (given.size === 0) {
      context.addIssue({
        code: 'custom',
        message: problem('has no sink', 'add one, of type: postgres, lake or kafka'),
      });
    }
    const places = new Set<string>();
    for (const [name, sink] of given) {
      const { key, places: own } = placesOf(sink);
      if (own.some((place) => places.has(place))) {
        const message = problem('is the place of another sink', `write another place, or take one of the two out`);
        context.addIssue({ code: 'custom', message, path: [name, key] });
      }
      for (const place of own) places.add(place);
    }
  },
  { when: ({ value }) => value instanceof Map },
);
