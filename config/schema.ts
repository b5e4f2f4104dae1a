import { z } from 'zod';
import { Secret } from '../src/core/secret.ts';
import { formatTableName, isIdentifier, parseTableName } from '../src/core/table-name.ts';
import { isPostgresUrl, parseListenAddress } from './address.ts';
import {
  fields,
  flag,
  isMapping,
  named,
  notBuilt,
  notBuiltIssue,
  parsed,
  problem,
  short,
  text,
  whole,
  word,
} from './field.ts';
import { parseKey } from './key.ts';
import { parseDuration, parseSize } from './units.ts';

// The whole configuration, from its smallest parts to the file. What a message of a field consists of: see field.ts.

// Texts

const anyText = z
  .preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    z.string({ error: problem('is not a text', "write a text, in quotes; for NULL use the decision 'null'") }),
  )
  .meta({ type: ['string', 'number'] });
const someText = text(problem('is not a text', 'write a text of one character or more'), (t) => t !== '');
const identifier = text(problem('is not a name Postgres can hold', 'write a text of 1 to 63 bytes'), isIdentifier);
const oneCharacter = text(
  problem('is not one character', "write one, in quotes, such as '#'"),
  (t) => [...t].length === 1,
);
const className = text(problem('is not a class', 'write a name such as customer'), (t) => /^\w[\w .-]{0,62}$/.test(t));
const localeName = text(problem('is not a locale', 'write one such as en, de or pt_BR'), (t) =>
  /^[a-z]{2,3}(_\w+)*$/.test(t),
);
const pipelineName = text(
  problem('cannot name a pipeline', 'write 1 to 40 lower-case letters, digits and underscores, the first a letter'),
  (t) => /^[a-z][a-z0-9_]{0,39}$/.test(t),
);
const slotName = text(
  problem('cannot name a replication slot', 'write 1 to 63 lower-case letters, digits and underscores'),
  (t) => /^[a-z0-9_]{1,63}$/.test(t),
);
const tableName = text(
  problem(
    'is not the name of a table',
    'write schema.table, each part in double quotes unless it is a plain lower-case word: public."Order Items"',
  ),
  (t) => canonical(t) !== undefined,
);
const postgresUrl = parsed(
  problem(
    'is not the URL of a Postgres',
    'write postgres://user:password@host:5432/database, percent-encode the password',
  ),
  (t) => (isPostgresUrl(t) ? new Secret(t) : undefined),
);
const key = parsed(
  problem('is not 32 random bytes or more in base64 or hex', 'make one: openssl rand -base64 32'),
  (t) => {
    const bytes = parseKey(t);
    return bytes && new Secret(bytes);
  },
);
const atLeast = (least: number, parse: (text: string) => number | undefined) => (t: string) => {
  const quantity = parse(t);
  return quantity !== undefined && quantity >= least ? quantity : undefined;
};
const memory = parsed(
  problem('is not a size of 1MB or more', 'write a size such as 256MB or 1GB'),
  atLeast(1024 ** 2, parseSize),
);
const retry = parsed(
  problem('is not a duration of a second or more', 'write a duration such as 30s or 5 minutes'),
  atLeast(1000, parseDuration),
);
const tableSize = parsed(problem('is not a size', 'write a size such as 500MB or 100GB'), parseSize);
const listen = parsed(
  problem('is not an address to listen on', 'write host:port, such as 127.0.0.1:8787'),
  parseListenAddress,
);

// Rules and their options; contract.md has what each gives

const nulls = flag().default(true).describe('false: NULL goes through the rule too, instead of staying NULL');

const fake = fields({
  kind: word(
    ['firstName', 'lastName', 'name', 'email', 'phone', 'street', 'city', 'postcode', 'company'],
    ['country', 'iban', 'card', 'ip', 'mac', 'username', 'url', 'userAgent', 'jobTitle'],
  ),
  unique: flag().default(false).describe('email only: a keyed suffix, as keys and unique columns need it'),
  domain: word(['example.com', 'example.org', 'example.net']).optional().describe('email only'),
  locale: localeName.default('en'),
  nulls,
}).superRefine((options, context) => {
  if (options.kind === 'email') return;
  const message = problem('is for kind: email only', 'take it out');
  if (options.unique) context.addIssue({ code: 'custom', path: ['unique'], message });
  if (options.domain) context.addIssue({ code: 'custom', path: ['domain'], message });
});

const rules = {
  constant: short('value', fields({ value: anyText, nulls })),
  mask: fields({
    first: whole(0, 10_000).default(0).describe('so many characters stay at the beginning'),
    last: whole(0, 10_000).default(0).describe('so many characters stay at the end'),
    with: oneCharacter.default('*').describe('what each other character becomes'),
    nulls,
  }),
  hash: fields({
    length: whole(1, 64).default(32).describe('in hexadecimal digits; keys and unique columns need 32 or more'),
    class: className.default('hash').describe('equal values of one class have equal hashes in all tables'),
    nulls,
  }),
  truncate: short('length', fields({ length: whole(1, 1_000_000).describe('in characters'), nulls })),
  round: short(
    'digits',
    fields({ digits: whole(-100, 100).describe('after the point, or before it if negative'), nulls }),
  ),
  fake: short('kind', fake),
};

export type RuleName = keyof typeof rules;
type Options<R extends RuleName> = Readonly<z.output<(typeof rules)[R]>>;
export type ConstantOptions = Options<'constant'>;
export type MaskOptions = Options<'mask'>;
export type HashOptions = Options<'hash'>;
export type TruncateOptions = Options<'truncate'>;
export type RoundOptions = Options<'round'>;
export type FakeOptions = Options<'fake'>;

/** One rule with its options; `rule.name` tells the type of `rule.options`. */
export type Rule = {
  [R in RuleName]: { readonly kind: 'rule'; readonly name: R; readonly options: Options<R> };
}[RuleName];
/** What is to become of a column. */
export type Decision = { readonly kind: 'keep' } | { readonly kind: 'drop' } | { readonly kind: 'null' } | Rule;

const plannedRules = [
  ...['empty', 'regex', 'token', 'fpe', 'uuid', 'integer', 'noise', 'bucket', 'clamp', 'shift', 'age', 'location'],
  ...['json', 'scrub', 'when', 'template'],
];

const notDecision = problem(
  'is not a decision',
  "write keep, drop, 'null' (in quotes) or one rule, such as hash or { fake: email }",
);

const oneWord = word(['keep', 'drop', 'null', 'hash', 'mask'], ['recompute', ...plannedRules], notDecision).transform(
  (name): Decision => {
    if (name === 'keep' || name === 'drop' || name === 'null') return { kind: name };
    return { kind: 'rule', name, options: rules[name].parse({}) } as Rule;
  },
);

const oneRule = fields(optional(rules), plannedRules)
  .superRefine(
    (given, context) => {
      if (Object.keys(given).length !== 1) context.addIssue({ code: 'custom', message: notDecision });
    },
    // Unless something in it was found before: `{hsah: {}}` is one mistake and not two.
    { when: ({ value, issues }) => isMapping(value) && (issues.length === 0 || Object.keys(value).length > 1) },
  )
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform((given): Decision => {
    const [rule] = Object.entries(given);
    // Without one, an unknown key has failed the whole already.
    return rule ? ({ kind: 'rule', name: rule[0], options: rule[1] } as Rule) : z.NEVER;
  });

const decision = z.union([oneWord, oneRule], { error: notDecision });

// The file

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
      const name = canonical(written);
      if (name === undefined) continue;
      const message = problem('is there already, spelled otherwise', 'keep one of the two');
      if (seen.has(name)) context.addIssue({ code: 'custom', message, path: [written] });
      seen.add(name);
    }
  },
  { when: ({ value }) => value instanceof Map },
);

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

const plannedSink = (type: string) =>
  notBuilt(z.looseObject({ type: z.literal(type) }), type, ['type']).transform((): never => z.NEVER);

const sinks = named(
  identifier,
  z.discriminatedUnion('type', [twin, plannedSink('lake'), plannedSink('kafka')], {
    error: problem('is not a sink that pgveil knows', 'write type: postgres and its url'),
  }),
  'write the name of a sink, and below it type: postgres and its url',
).superRefine(
  (given, context) => {
    if (given.size === 0) {
      context.addIssue({ code: 'custom', message: problem('has no sink', 'add one, of type: postgres') });
    }
    const twins = [...given].filter(([, sink]) => isMapping(sink) && sink.type === 'postgres');
    for (const [name] of twins.slice(1)) context.addIssue({ ...notBuiltIssue('several sinks'), path: [name] });
  },
  { when: ({ value }) => value instanceof Map },
);

export const schema = fields({
  version: z.literal(1, { error: problem('is not a version that this pgveil reads', 'write version: 1') }),
  name: pipelineName.describe('slot, publication and checkpoints are named after it'),
  key: key.describe('32 bytes or more, in base64 or hex'),
  source: fields({
    url: postgresUrl,
    publication: identifier.optional().describe('pgveil_NAME by default; created when absent and allowed'),
    slot: slotName.optional().describe('pgveil_NAME by default'),
    snapshot: fields({ workers: whole(1, 64).default(5) }).prefault({}),
    on_gap: word(['recopy', 'halt']).default('recopy').describe('when the slot was lost'),
  }),
  unlisted: fields({
    tables: word(['skip']).default('skip'),
    columns: word(['withhold', 'halt']).default('withhold').describe('halt: halt the table of such a column'),
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
  memory: memory.prefault('256MB').describe('bound of everything queued'),
  http: fields({ listen: listen.prefault('127.0.0.1:8787') }).prefault({}),
  control: someText.optional().describe('path of the Unix socket for recopy and approve'),
});

/** A file that the schema accepts, with defaults filled in; `config.ts` makes the program's own view of it. */
export type Settings = z.output<typeof schema>;

/** The one spelling of a table's name; undefined when it is not one. */
function canonical(written: string): string | undefined {
  try {
    return formatTableName(parseTableName(written));
  } catch {
    return undefined;
  }
}

/** As none of the rules has to be there, but one. */
function optional<S extends z.ZodRawShape>(shape: S): { [K in keyof S]: z.ZodOptional<S[K]> } {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, z.optional(field)])) as never;
}
