import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigFinding } from '../../config/error.ts';
import { configuration, findingsIn, withColumn } from '../support/configuration.ts';

// Each text has one mistake, on the line with `#!`, and the canary in its values: findingsIn() fails if the error shows it.
type Case = [text: string, kind: string, object: string];

const kinds: [kind: string, message: RegExp][] = [
  ['planned', /: not built yet$/],
  ['unknown', /^unknown key$/],
  ['repeated', /^is there already/],
  ['missing', /^is missing$/],
  ['unset', /^the environment variable UNSET is not set$/],
  ['unreadable', /^the file \/missing cannot be read \(ENOENT\)$/],
  ['weak', /^is not 32 random bytes/],
  ['wrong', /./],
];

function kindOf({ code, message }: ConfigFinding): string {
  const [kind] = kinds.find(([, pattern]) => pattern.test(message)) ?? [''];
  assert.equal(code, kind === 'planned' ? 'not_built_yet' : 'config_invalid');
  return kind;
}

const source = (keys: string) => configuration({ source: `source:\n  url: postgres://h/d\n  ${keys} #!` });
const table = (name: string, value: string) => configuration({ tables: `tables:\n  ${name}: ${value} #!` });
const sinks = (value: string) => configuration({ sinks: `sinks:\n  ${value} #!` });
const twin = (keys: string) => sinks(`twin: { type: postgres, url: postgres://h/d, ${keys} }`);
const lake = (keys: string) => sinks(`lake: { type: lake, url: 's3://bucket/prefix', ${keys} }`);
const kafka = (keys: string) => sinks(`topics: { type: kafka, brokers: ['a:9092'], ${keys} }`);
const aTopic = '{ type: kafka, brokers: [a:9092] }';
const aLake = '{ type: lake, url: file:///c4n4ry }';
const other = (line: string) => configuration({ others: `${line} #!` });

const wholeFile: Case[] = [
  ['#!', 'wrong', 'configuration'],
  ['[c4n4ry] #!', 'wrong', 'configuration'],
  ['c4n4ry #!', 'wrong', 'configuration'],
  [other('hush: c4n4ry'), 'unknown', 'hush'],
  [other('constructor: c4n4ry'), 'unknown', 'constructor'],
  [other('? { c4n4ry: c4n4ry }'), 'wrong', 'configuration'],
  [other('name: c4n4ry'), 'repeated', 'name'],
  [other('recopy: { retry: 1 }'), 'wrong', 'recopy.retry'],
  [other('recopy: { retry: 10ms }'), 'wrong', 'recopy.retry'],
  [other('recopy: { auto_below: large }'), 'wrong', 'recopy.auto_below'],
  [other('memory: 256'), 'wrong', 'memory'],
  [other('memory: 1kB'), 'wrong', 'memory'],
  [other('memory: c4n4ry'), 'wrong', 'memory'],
  [other('http: { listen: c4n4ry }'), 'wrong', 'http.listen'],
  [other('http: { port: 1 }'), 'unknown', 'http.port'],
  [other('http: null'), 'wrong', 'http'],
  [other("control: ''"), 'wrong', 'control'],
  [other('unlisted: { tables: keep }'), 'wrong', 'unlisted.tables'],
  [other('unlisted: { columns: keep }'), 'wrong', 'unlisted.columns'],
  [configuration({ version: '#!' }), 'missing', 'version'],
  [configuration({ version: 'version: 2 #!' }), 'wrong', 'version'],
  [configuration({ version: "version: '1' #!" }), 'wrong', 'version'],
  [configuration({ name: 'name: C4n4ry #!' }), 'wrong', 'name'],
  [configuration({ name: 'name: 4c4n4ry #!' }), 'wrong', 'name'],
  [configuration({ name: `name: c4n4ry${'x'.repeat(35)} #!` }), 'wrong', 'name'],
  [configuration({ name: 'name: ${PGVEIL_KEY} #!' }), 'wrong', 'name'],
  [configuration({ name: 'name: #!' }), 'wrong', 'name'],
];

const keys: Case[] = [
  [configuration({ key: "key: '' #!" }), 'weak', 'key'],
  [configuration({ key: 'key: c4n4ry #!' }), 'weak', 'key'],
  [configuration({ key: `key: ${'00'.repeat(32)} #!` }), 'weak', 'key'],
  [configuration({ key: 'key: #!' }), 'weak', 'key'],
  [configuration({ key: 'key: ${UNSET} #!' }), 'unset', 'key'],
  [configuration({ key: 'key: ${file:/missing} #!' }), 'unreadable', 'key'],
  [configuration({ key: 'key: p${c4n4ry #!' }), 'wrong', 'key'],
];

const sources: Case[] = [
  [configuration({ source: 'source: ${SOURCE_URL} #!' }), 'wrong', 'source'],
  [configuration({ source: 'source: { slot: a } #!' }), 'missing', 'source.url'],
  [configuration({ source: 'source: { url: postgres://u:c4n4ry/x@h/d } #!' }), 'wrong', 'source.url'],
  [source('k: { postgres://u:c4n4ry@h/d: 1 }'), 'unknown', 'source.k'],
  [source('"postgres://u:c4n4ry@h/d": 1'), 'unknown', 'source'],
  [source('slot: C4n4ry'), 'wrong', 'source.slot'],
  [source("publication: ''"), 'wrong', 'source.publication'],
  [source('on_gap: c4n4ry'), 'wrong', 'source.on_gap'],
  [source('failover: c4n4ry'), 'wrong', 'source.failover'],
  [source('wal_alarm: { retained: 1kB }'), 'wrong', 'source.wal_alarm.retained'],
  [source('wal_alarm: { time_left: c4n4ry }'), 'wrong', 'source.wal_alarm.time_left'],
  [source('wal_alarm: { time_lfet: 1h }'), 'unknown', 'source.wal_alarm.time_lfet'],
  [source('snapshot: 5'), 'wrong', 'source.snapshot'],
  [source('snapshot: { workers: 0 }'), 'wrong', 'source.snapshot.workers'],
  [source('snapshot: { workers: 1.5 }'), 'wrong', 'source.snapshot.workers'],
  [source('snapshot: { workers: 0x10 }'), 'wrong', 'source.snapshot.workers'],
  [source('snapshot: { workers: "${CANARY}" }'), 'wrong', 'source.snapshot.workers'],
  [source('snapshot: { workers: "${UNSET}" }'), 'unset', 'source.snapshot.workers'],
];

const tables: Case[] = [
  [configuration({ version: 'version: 1 #!', tables: '' }), 'missing', 'tables'],
  [configuration({ tables: 'tables: [public.t] #!' }), 'wrong', 'tables'],
  [table('customer', 'skip'), 'wrong', 'tables.customer'],
  [table('public.Customer', 'skip'), 'wrong', 'tables["public.Customer"]'],
  [table('public.t', ''), 'wrong', 'tables["public.t"]'],
  [table('public.t', 'keep'), 'wrong', 'tables["public.t"]'],
  [table('public.t', '{}'), 'missing', 'tables["public.t"].columns'],
  [table('public.t', 'structure'), 'planned', 'tables["public.t"]'],
  [table('public.t', '{ columns: {}, rows: { where: c4n4ry } }'), 'planned', 'tables["public.t"].rows'],
  [table('public.t', '{ columns: {}, colums: {} }'), 'unknown', 'tables["public.t"].colums'],
  [table('public.t', '{ columns: {}, key: id }'), 'wrong', 'tables["public.t"].key'],
  [table('public.t', '{ columns: {}, key: [] }'), 'wrong', 'tables["public.t"].key'],
  [table('public.t', '{ columns: {}, key: [a, a] }'), 'wrong', 'tables["public.t"].key'],
  [table('public.t', '{ columns: {}, key: [a, null] }'), 'wrong', 'tables["public.t"].key[1]'],
  [table('public.t', 'skip\n  public.t: skip'), 'repeated', 'tables["public.t"]'],
  [table('public.t', `skip\n  '"public".t': skip`), 'repeated', String.raw`tables["\"public\".t"]`],
  [table('public.t', '*c4n4ry'), 'wrong', 'tables["public.t"]'],
  [table('public.t', '&a { columns: { a: *a } }'), 'wrong', 'tables["public.t"].columns.a'],
];

const column = 'tables["public.t"].columns';
const decisions: Case[] = [
  [withColumn('ssn: c4n4ry #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: null #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: true #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: no #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: 0 #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: [keep] #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: {} #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: { keep: {} } #!'), 'unknown', `${column}.ssn.keep`],
  [withColumn('ssn: { hush: {} } #!'), 'unknown', `${column}.ssn.hush`],
  [withColumn('ssn: { hash: {}, mask: {} } #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: truncate #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: token #!'), 'planned', `${column}.ssn`],
  [withColumn('ssn: recompute #!'), 'planned', `${column}.ssn`],
  [withColumn('ssn: { json: { default: keep } } #!'), 'planned', `${column}.ssn.json`],
  [withColumn('ssn: ${UNSET} #!'), 'unset', `${column}.ssn`],
  [withColumn('ssn: ${CANARY} #!'), 'wrong', `${column}.ssn`],
  [withColumn('ssn: keep\n      ssn: keep #!'), 'repeated', `${column}.ssn`],
  [withColumn("'': keep #!"), 'wrong', `${column}[""]`],
  [withColumn(`${'x'.repeat(64)}: keep #!`), 'wrong', `${column}.${'x'.repeat(64)}`],
  [withColumn('__proto__: hush #!'), 'wrong', `${column}.__proto__`],
  [withColumn('constructor: { hush: 1 } #!'), 'unknown', `${column}.constructor.hush`],
  [withColumn('"a.b \\"c\\"": hush #!'), 'wrong', String.raw`${column}["a.b \"c\""]`],
];

const options: Case[] = [
  [withColumn('a: { hash: null } #!'), 'wrong', `${column}.a.hash`],
  [withColumn('a: { hash: 32 } #!'), 'wrong', `${column}.a.hash`],
  [withColumn('a: { hash: { lenght: 32 } } #!'), 'unknown', `${column}.a.hash.lenght`],
  [withColumn('a: { hash: { length: 65 } } #!'), 'wrong', `${column}.a.hash.length`],
  [withColumn('a: { hash: { class: "" } } #!'), 'wrong', `${column}.a.hash.class`],
  [withColumn('a: { hash: { nulls: c4n4ry } } #!'), 'wrong', `${column}.a.hash.nulls`],
  [withColumn('a: { mask: { first: -1 } } #!'), 'wrong', `${column}.a.mask.first`],
  [withColumn('a: { mask: { with: c4n4ry } } #!'), 'wrong', `${column}.a.mask.with`],
  [withColumn('a: { constant: null } #!'), 'wrong', `${column}.a.constant`],
  [withColumn('a: { constant: { value: [c4n4ry] } } #!'), 'wrong', `${column}.a.constant.value`],
  [withColumn('a: { constant: "${UNSET}" } #!'), 'unset', `${column}.a.constant`],
  [withColumn('a: { truncate: {} } #!'), 'missing', `${column}.a.truncate.length`],
  [withColumn('a: { truncate: c4n4ry } #!'), 'wrong', `${column}.a.truncate`],
  [withColumn('a: { truncate: { length: 0 } } #!'), 'wrong', `${column}.a.truncate.length`],
  [withColumn('a: { round: { digits: 0.5 } } #!'), 'wrong', `${column}.a.round.digits`],
  [withColumn('a: { fake: c4n4ry } #!'), 'wrong', `${column}.a.fake`],
  [withColumn('a: { fake: iban } #!'), 'planned', `${column}.a.fake`],
  [withColumn('a: { fake: { kind: url } } #!'), 'planned', `${column}.a.fake.kind`],
  [withColumn('a: { fake: { unique: true } } #!'), 'missing', `${column}.a.fake.kind`],
  [withColumn('a: { fake: { kind: name, unique: true } } #!'), 'wrong', `${column}.a.fake.unique`],
  [withColumn('a: { fake: { kind: city, domain: example.org } } #!'), 'wrong', `${column}.a.fake.domain`],
  [withColumn('a: { fake: { kind: email, domain: c4n4ry.com } } #!'), 'wrong', `${column}.a.fake.domain`],
  [withColumn('a: { fake: { kind: email, locale: C4N4RY } } #!'), 'wrong', `${column}.a.fake.locale`],
];

const allSinks: Case[] = [
  [configuration({ sinks: 'sinks: {} #!' }), 'wrong', 'sinks'],
  [sinks('lake: { type: lake }'), 'missing', 'sinks.lake.url'],
  [sinks('lake: { type: lake, url: c4n4ry }'), 'wrong', 'sinks.lake.url'],
  [sinks('lake: { type: lake, url: file://c4n4ry/path }'), 'wrong', 'sinks.lake.url'],
  [sinks('lake: { type: lake, url: file:/// }'), 'wrong', 'sinks.lake.url'],
  [sinks('lake: { type: lake, url: s3://C4N4RY/path }'), 'wrong', 'sinks.lake.url'],
  [sinks('lake: { type: lake, url: s3://bucket/../path }'), 'wrong', 'sinks.lake.url'],
  [lake('endpoint: http://user:c4n4ry@host'), 'wrong', 'sinks.lake.endpoint'],
  [lake('endpoint: host:9000'), 'wrong', 'sinks.lake.endpoint'],
  [sinks('lake: { type: lake, url: file:///path, endpoint: http://host }'), 'wrong', 'sinks.lake.endpoint'],
  [lake('flush: { bytes: 0MB }'), 'wrong', 'sinks.lake.flush.bytes'],
  [lake('flush: { every: 1ms }'), 'wrong', 'sinks.lake.flush.every'],
  [lake('flush: { every: 25h }'), 'wrong', 'sinks.lake.flush.every'],
  [lake('timestamps: text'), 'wrong', 'sinks.lake.timestamps'],
  [lake('patience: 2 days'), 'wrong', 'sinks.lake.patience'],
  [lake('on_wal_limit: let go'), 'wrong', 'sinks.lake.on_wal_limit'],
  [sinks('topics: { type: kafka }'), 'missing', 'sinks.topics.brokers'],
  [sinks('topics: { type: kafka, brokers: [] }'), 'wrong', 'sinks.topics.brokers'],
  [sinks('topics: { type: kafka, brokers: [c4n4ry] }'), 'wrong', 'sinks.topics.brokers[0]'],
  [sinks("topics: { type: kafka, brokers: ['a:1, c4n4ry'] }"), 'wrong', 'sinks.topics.brokers[0]'],
  [kafka("topic: '{table}'"), 'wrong', 'sinks.topics.topic'],
  [kafka("topic: '{name}.{schema}_{table}'"), 'wrong', 'sinks.topics.topic'],
  [kafka("topic: '{schema}/{table}'"), 'wrong', 'sinks.topics.topic'],
  [kafka('topics: { partitions: 0 }'), 'wrong', 'sinks.topics.topics.partitions'],
  [kafka('topics: { config: { retention.ms: true } }'), 'wrong', 'sinks.topics.topics.config["retention.ms"]'],
  [kafka('format: avro'), 'wrong', 'sinks.topics.format'],
  [kafka('schema: registry'), 'missing', 'sinks.topics.registry'],
  [kafka('registry: { url: http://a }'), 'wrong', 'sinks.topics.registry'],
  [kafka('schema: registry, registry: {}'), 'missing', 'sinks.topics.registry.url'],
  [kafka('schema: registry, registry: { url: http://u:c4n4ry@a }'), 'wrong', 'sinks.topics.registry.url'],
  [kafka('schema: registry, registry: { url: http://a, format: protobuf }'), 'wrong', 'sinks.topics.registry.format'],
  [kafka('schema: registry, registry: { url: http://a, username: a }'), 'missing', 'sinks.topics.registry.password'],
  [kafka('schema: registry, registry: { url: http://a, token: c4n4ry }'), 'unknown', 'sinks.topics.registry.token'],
  [kafka('format: flat, schema: inline'), 'wrong', 'sinks.topics.schema'],
  [kafka('sasl: { mechanism: GSSAPI }'), 'wrong', 'sinks.topics.sasl.mechanism'],
  [kafka('sasl: { mechanism: OAUTHBEARER, token: a, password: c4n4ry }'), 'unknown', 'sinks.topics.sasl.password'],
  [kafka('sasl: { mechanism: OAUTHBEARER }'), 'missing', 'sinks.topics.sasl.token_url'],
  [kafka('sasl: { mechanism: OAUTHBEARER, token: c4n4ry, scope: a }'), 'wrong', 'sinks.topics.sasl.scope'],
  [
    kafka('sasl: { mechanism: OAUTHBEARER, token_url: c4n4ry, client_id: a, client_secret: b }'),
    'wrong',
    'sinks.topics.sasl.token_url',
  ],
  [
    kafka("sasl: { mechanism: OAUTHBEARER, token_url: 'http://a/b', client_id: c4n4ry }"),
    'missing',
    'sinks.topics.sasl.client_secret',
  ],
  [kafka("sasl: { mechanism: PLAIN, username: a, password: '' }"), 'wrong', 'sinks.topics.sasl.password'],
  [kafka('patience: 1'), 'wrong', 'sinks.topics.patience'],
  [kafka('unchanged: true'), 'wrong', 'sinks.topics.unchanged'],
  [sinks('x: { type: c4n4ry }'), 'wrong', 'sinks.x.type'],
  [sinks('x: { url: postgres://u:c4n4ry@h/d }'), 'missing', 'sinks.x.type'],
  [sinks('x: postgres://u:c4n4ry@h/d'), 'wrong', 'sinks.x'],
  [sinks('x: { type: postgres }'), 'missing', 'sinks.x.url'],
  [twin('patience: soon'), 'wrong', 'sinks.twin.patience'],
  [twin('on_wal_limit: c4n4ry'), 'wrong', 'sinks.twin.on_wal_limit'],
  [twin('indexes: c4n4ry'), 'wrong', 'sinks.twin.indexes'],
  [twin('types: { citext: 1 }'), 'wrong', 'sinks.twin.types.citext'],
  [twin("source_primary_key: ''"), 'wrong', 'sinks.twin.source_primary_key'],
  [sinks(`a: ${aTopic}\n  b: ${aTopic}`), 'wrong', 'sinks.b.brokers'],
  [sinks(`a: ${aLake}\n  b: ${aLake}`), 'wrong', 'sinks.b.url'],
];

const cases = [wholeFile, keys, sources, tables, decisions, options, allSinks].flat();

for (const [text, kind, object] of cases) {
  const lines = text.split('\n');
  const line = lines.findIndex((candidate) => candidate.endsWith('#!')) + 1;
  test(`${lines[line - 1]} is ${kind} at ${object}`, () => {
    const findings = findingsIn(text);
    const found = findings.map((finding) => ({ kind: kindOf(finding), object: finding.object, line: finding.line }));
    assert.deepEqual(found, [{ kind, object, line }]);
    assert.equal(findings[0]!.file, 'shop.yaml');
    assert.notEqual(findings[0]!.message, '');
    assert.notEqual(findings[0]!.fix, '');
  });
}

test('everything that is wrong is listed at once, in the order of the file', () => {
  const text = `
name: Shop
key: short
source: { url: '\${UNSET}', slot: A, hush: 1 }
tables:
  Customer: skip
  public.a: { columns: { a: hush, b: { hash: { lenght: 1 }, mask: { firs: 1 } } } }
  public.a: skip
  '"public".a': skip
sinks: { twin: { type: postgres, url: x }, topics: { type: kafka, brokers: ['a:1'], format: c4n4ry }, other: { type: postgres, url: y } }
memory: 1
`;
  assert.deepEqual(
    findingsIn(text).map((finding) => `${finding.line} ${kindOf(finding)} ${finding.object}`),
    [
      '1 missing version',
      '2 wrong name',
      '3 weak key',
      '4 unset source.url',
      '4 wrong source.slot',
      '4 unknown source.hush',
      '6 wrong tables.Customer',
      '7 wrong tables["public.a"].columns.a',
      '7 unknown tables["public.a"].columns.b.mask.firs',
      '7 unknown tables["public.a"].columns.b.hash.lenght',
      '7 wrong tables["public.a"].columns.b',
      '8 repeated tables["public.a"]',
      String.raw`9 repeated tables["\"public\".a"]`,
      '10 wrong sinks.twin.url',
      '10 wrong sinks.topics.format',
      '10 wrong sinks.other.url',
      '11 wrong memory',
    ],
  );
});

test('what is not built yet is refused by its name, in these words', () => {
  const messages = [
    ...findingsIn(withColumn('a: token')),
    ...findingsIn(withColumn('a: { json: {} }')),
    ...findingsIn(table('public.t', '{ columns: {}, rows: {} }')),
  ].map(({ message }) => message);
  assert.deepEqual(
    messages,
    ['token', 'json', 'rows'].map((name) => `${name}: not built yet`),
  );
});

test('a weak key comes with the command that makes a good one', () => {
  assert.match(findingsIn(configuration({ key: 'key: short' }))[0]!.fix, /openssl rand -base64 32/);
});
