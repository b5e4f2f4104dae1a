// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the references of a configuration look like this
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FindingCode } from '../../config/error.ts';
import { configuration, findingsIn, withColumn } from '../support/configuration.ts';

// Each text has one mistake, on the line with `#!`, and the canary in its values: findingsIn() fails if the error shows it.
type Case = [text: string, code: FindingCode, object: string];

const source = (keys: string) => configuration({ source: `source:\n  url: postgres://h/d\n  ${keys} #!` });
const table = (name: string, value: string) => configuration({ tables: `tables:\n  ${name}: ${value} #!` });
const sinks = (value: string) => configuration({ sinks: `sinks:\n  ${value} #!` });
const twin = (keys: string) => sinks(`twin: { type: postgres, url: postgres://h/d, ${keys} }`);
const aTwin = '{ type: postgres, url: postgres://h/d }';
const other = (line: string) => configuration({ others: `${line} #!` });

const wholeFile: Case[] = [
  ['#!', 'wrong_value', 'configuration'],
  ['[c4n4ry] #!', 'wrong_value', 'configuration'],
  ['c4n4ry #!', 'wrong_value', 'configuration'],
  [other('hush: c4n4ry'), 'unknown_key', 'hush'],
  [other('constructor: c4n4ry'), 'unknown_key', 'constructor'],
  [other('? { c4n4ry: c4n4ry }'), 'wrong_value', 'configuration'],
  [other('name: c4n4ry'), 'repeated_key', 'name'],
  [other('recopy: { auto_below: 1GB }'), 'not_built', 'recopy'],
  [other('memory: 256'), 'wrong_value', 'memory'],
  [other('memory: 1kB'), 'wrong_value', 'memory'],
  [other('memory: c4n4ry'), 'wrong_value', 'memory'],
  [other('http: { listen: c4n4ry }'), 'wrong_value', 'http.listen'],
  [other('http: { port: 1 }'), 'unknown_key', 'http.port'],
  [other('http: null'), 'wrong_value', 'http'],
  [other("control: ''"), 'wrong_value', 'control'],
  [other('unlisted: { tables: keep }'), 'wrong_value', 'unlisted.tables'],
  [other('unlisted: { columns: keep }'), 'wrong_value', 'unlisted.columns'],
  [configuration({ version: '#!' }), 'missing_key', 'version'],
  [configuration({ version: 'version: 2 #!' }), 'wrong_value', 'version'],
  [configuration({ version: "version: '1' #!" }), 'wrong_value', 'version'],
  [configuration({ name: 'name: C4n4ry #!' }), 'wrong_value', 'name'],
  [configuration({ name: 'name: 4c4n4ry #!' }), 'wrong_value', 'name'],
  [configuration({ name: `name: c4n4ry${'x'.repeat(35)} #!` }), 'wrong_value', 'name'],
  [configuration({ name: 'name: ${PGVEIL_KEY} #!' }), 'wrong_value', 'name'],
  [configuration({ name: 'name: #!' }), 'wrong_value', 'name'],
];

const keys: Case[] = [
  [configuration({ key: "key: '' #!" }), 'weak_key', 'key'],
  [configuration({ key: 'key: c4n4ry #!' }), 'weak_key', 'key'],
  [configuration({ key: `key: ${'00'.repeat(32)} #!` }), 'weak_key', 'key'],
  [configuration({ key: 'key: #!' }), 'wrong_value', 'key'],
  [configuration({ key: 'key: ${UNSET} #!' }), 'unset_variable', 'key'],
  [configuration({ key: 'key: ${file:/missing} #!' }), 'unreadable_file', 'key'],
  [configuration({ key: 'key: p${c4n4ry #!' }), 'wrong_value', 'key'],
];

const sources: Case[] = [
  [configuration({ source: 'source: ${SOURCE_URL} #!' }), 'wrong_value', 'source'],
  [configuration({ source: 'source: { slot: a } #!' }), 'missing_key', 'source.url'],
  [configuration({ source: 'source: { url: postgres://u:c4n4ry/x@h/d } #!' }), 'wrong_value', 'source.url'],
  [source('k: { postgres://u:c4n4ry@h/d: 1 }'), 'unknown_key', 'source.k'],
  [source('"postgres://u:c4n4ry@h/d": 1'), 'unknown_key', 'source'],
  [source('slot: C4n4ry'), 'wrong_value', 'source.slot'],
  [source("publication: ''"), 'wrong_value', 'source.publication'],
  [source('on_gap: c4n4ry'), 'wrong_value', 'source.on_gap'],
  [source('snapshot: 5'), 'wrong_value', 'source.snapshot'],
  [source('snapshot: { workers: 0 }'), 'wrong_value', 'source.snapshot.workers'],
  [source('snapshot: { workers: 1.5 }'), 'wrong_value', 'source.snapshot.workers'],
  [source('snapshot: { workers: 0x10 }'), 'wrong_value', 'source.snapshot.workers'],
  [source('snapshot: { workers: "${CANARY}" }'), 'wrong_value', 'source.snapshot.workers'],
  [source('snapshot: { workers: "${UNSET}" }'), 'unset_variable', 'source.snapshot.workers'],
];

const tables: Case[] = [
  [configuration({ version: 'version: 1 #!', tables: '' }), 'missing_key', 'tables'],
  [configuration({ tables: 'tables: [public.t] #!' }), 'wrong_value', 'tables'],
  [table('customer', 'skip'), 'wrong_value', 'tables.customer'],
  [table('public.Customer', 'skip'), 'wrong_value', 'tables["public.Customer"]'],
  [table('public.t', ''), 'wrong_value', 'tables["public.t"]'],
  [table('public.t', 'keep'), 'wrong_value', 'tables["public.t"]'],
  [table('public.t', '{}'), 'missing_key', 'tables["public.t"].columns'],
  [table('public.t', 'structure'), 'not_built', 'tables["public.t"]'],
  [table('public.t', '{ columns: {}, rows: { where: c4n4ry } }'), 'not_built', 'tables["public.t"].rows'],
  [table('public.t', '{ columns: {}, colums: {} }'), 'unknown_key', 'tables["public.t"].colums'],
  [table('public.t', '{ columns: {}, key: id }'), 'wrong_value', 'tables["public.t"].key'],
  [table('public.t', '{ columns: {}, key: [] }'), 'wrong_value', 'tables["public.t"].key'],
  [table('public.t', '{ columns: {}, key: [a, a] }'), 'wrong_value', 'tables["public.t"].key'],
  [table('public.t', '{ columns: {}, key: [a, null] }'), 'wrong_value', 'tables["public.t"].key[1]'],
  [table('public.t', 'skip\n  public.t: skip'), 'repeated_key', 'tables["public.t"]'],
  [table('public.t', `skip\n  '"public".t': skip`), 'repeated_key', String.raw`tables["\"public\".t"]`],
  [table('public.t', '*c4n4ry'), 'wrong_value', 'tables["public.t"]'],
  [table('public.t', '&a { columns: { a: *a } }'), 'wrong_value', 'tables["public.t"].columns.a'],
];

const column = 'tables["public.t"].columns';
const decisions: Case[] = [
  [withColumn('ssn: c4n4ry #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: null #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: true #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: no #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: 0 #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: [keep] #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: {} #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: { keep: {} } #!'), 'unknown_key', `${column}.ssn.keep`],
  [withColumn('ssn: { hush: {} } #!'), 'unknown_key', `${column}.ssn.hush`],
  [withColumn('ssn: { hash: {}, mask: {} } #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: truncate #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: token #!'), 'not_built', `${column}.ssn`],
  [withColumn('ssn: recompute #!'), 'not_built', `${column}.ssn`],
  [withColumn('ssn: { json: { default: keep } } #!'), 'not_built', `${column}.ssn.json`],
  [withColumn('ssn: ${UNSET} #!'), 'unset_variable', `${column}.ssn`],
  [withColumn('ssn: ${CANARY} #!'), 'wrong_value', `${column}.ssn`],
  [withColumn('ssn: keep\n      ssn: keep #!'), 'repeated_key', `${column}.ssn`],
  [withColumn("'': keep #!"), 'wrong_value', `${column}[""]`],
  [withColumn(`${'x'.repeat(64)}: keep #!`), 'wrong_value', `${column}.${'x'.repeat(64)}`],
  [withColumn('__proto__: hush #!'), 'wrong_value', `${column}.__proto__`],
  [withColumn('constructor: { hush: 1 } #!'), 'unknown_key', `${column}.constructor.hush`],
  [withColumn('"a.b \\"c\\"": hush #!'), 'wrong_value', String.raw`${column}["a.b \"c\""]`],
];

const options: Case[] = [
  [withColumn('a: { hash: null } #!'), 'wrong_value', `${column}.a.hash`],
  [withColumn('a: { hash: 32 } #!'), 'wrong_value', `${column}.a.hash`],
  [withColumn('a: { hash: { lenght: 32 } } #!'), 'unknown_key', `${column}.a.hash.lenght`],
  [withColumn('a: { hash: { length: 65 } } #!'), 'wrong_value', `${column}.a.hash.length`],
  [withColumn('a: { hash: { class: "" } } #!'), 'wrong_value', `${column}.a.hash.class`],
  [withColumn('a: { hash: { nulls: c4n4ry } } #!'), 'wrong_value', `${column}.a.hash.nulls`],
  [withColumn('a: { mask: { first: -1 } } #!'), 'wrong_value', `${column}.a.mask.first`],
  [withColumn('a: { mask: { with: c4n4ry } } #!'), 'wrong_value', `${column}.a.mask.with`],
  [withColumn('a: { constant: null } #!'), 'wrong_value', `${column}.a.constant`],
  [withColumn('a: { constant: { value: [c4n4ry] } } #!'), 'wrong_value', `${column}.a.constant.value`],
  [withColumn('a: { constant: "${UNSET}" } #!'), 'unset_variable', `${column}.a.constant`],
  [withColumn('a: { truncate: {} } #!'), 'missing_key', `${column}.a.truncate.length`],
  [withColumn('a: { truncate: c4n4ry } #!'), 'wrong_value', `${column}.a.truncate`],
  [withColumn('a: { truncate: { length: 0 } } #!'), 'wrong_value', `${column}.a.truncate.length`],
  [withColumn('a: { round: { digits: 0.5 } } #!'), 'wrong_value', `${column}.a.round.digits`],
  [withColumn('a: { fake: c4n4ry } #!'), 'wrong_value', `${column}.a.fake`],
  [withColumn('a: { fake: iban } #!'), 'not_built', `${column}.a.fake`],
  [withColumn('a: { fake: { kind: url } } #!'), 'not_built', `${column}.a.fake.kind`],
  [withColumn('a: { fake: { unique: true } } #!'), 'missing_key', `${column}.a.fake.kind`],
  [withColumn('a: { fake: { kind: name, unique: true } } #!'), 'wrong_value', `${column}.a.fake.unique`],
  [withColumn('a: { fake: { kind: city, domain: example.org } } #!'), 'wrong_value', `${column}.a.fake.domain`],
  [withColumn('a: { fake: { kind: email, domain: c4n4ry.com } } #!'), 'wrong_value', `${column}.a.fake.domain`],
  [withColumn('a: { fake: { kind: email, locale: C4N4RY } } #!'), 'wrong_value', `${column}.a.fake.locale`],
];

const allSinks: Case[] = [
  [configuration({ sinks: 'sinks: {} #!' }), 'wrong_value', 'sinks'],
  [sinks('lake: { type: lake, url: s3://c4n4ry, flush: { bytes: 1MB } }'), 'not_built', 'sinks.lake.type'],
  [sinks('topics: { type: kafka, brokers: [c4n4ry] }'), 'not_built', 'sinks.topics.type'],
  [sinks('x: { type: c4n4ry }'), 'wrong_value', 'sinks.x.type'],
  [sinks('x: { url: postgres://u:c4n4ry@h/d }'), 'missing_key', 'sinks.x.type'],
  [sinks('x: postgres://u:c4n4ry@h/d'), 'wrong_value', 'sinks.x'],
  [sinks('x: { type: postgres }'), 'missing_key', 'sinks.x.url'],
  [twin('patience: 1s'), 'not_built', 'sinks.twin.patience'],
  [twin('on_wal_limit: hold'), 'not_built', 'sinks.twin.on_wal_limit'],
  [twin('indexes: c4n4ry'), 'wrong_value', 'sinks.twin.indexes'],
  [twin('types: { citext: 1 }'), 'wrong_value', 'sinks.twin.types.citext'],
  [twin("source_primary_key: ''"), 'wrong_value', 'sinks.twin.source_primary_key'],
  [sinks(`a: ${aTwin}\n  b: ${aTwin}`), 'not_built', 'sinks.b'],
];

const cases = [wholeFile, keys, sources, tables, decisions, options, allSinks].flat();

for (const [text, code, object] of cases) {
  const lines = text.split('\n');
  const line = lines.findIndex((candidate) => candidate.endsWith('#!')) + 1;
  test(`${lines[line - 1]} is ${code} at ${object}`, () => {
    const findings = findingsIn(text);
    const found = findings.map((finding) => ({ code: finding.code, object: finding.object, line: finding.line }));
    assert.deepEqual(found, [{ code, object, line }]);
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
sinks: { twin: { type: postgres, url: x }, lake: { type: lake }, other: { type: postgres, url: y } }
memory: 1
`;
  assert.deepEqual(
    findingsIn(text).map(({ line, code, object }) => `${line} ${code} ${object}`),
    [
      '1 missing_key version',
      '2 wrong_value name',
      '3 weak_key key',
      '4 unset_variable source.url',
      '4 wrong_value source.slot',
      '4 unknown_key source.hush',
      '6 wrong_value tables.Customer',
      '7 wrong_value tables["public.a"].columns.a',
      '7 unknown_key tables["public.a"].columns.b.mask.firs',
      '7 unknown_key tables["public.a"].columns.b.hash.lenght',
      '7 wrong_value tables["public.a"].columns.b',
      '8 repeated_key tables["public.a"]',
      String.raw`9 repeated_key tables["\"public\".a"]`,
      '10 wrong_value sinks.twin.url',
      '10 not_built sinks.lake.type',
      '10 wrong_value sinks.other.url',
      '10 not_built sinks.other',
      '11 wrong_value memory',
    ],
  );
});

test('what is not built yet is refused by its name, in these words', () => {
  const messages = [
    ...findingsIn(sinks('lake: { type: lake }')),
    ...findingsIn(withColumn('a: token')),
    ...findingsIn(withColumn('a: { json: {} }')),
    ...findingsIn(table('public.t', '{ columns: {}, rows: {} }')),
  ].map(({ message }) => message);
  assert.deepEqual(
    messages,
    ['lake', 'token', 'json', 'rows'].map((name) => `${name}: not built yet`),
  );
});

test('a weak key comes with the command that makes a good one', () => {
  assert.match(findingsIn(configuration({ key: 'key: short' }))[0]!.fix, /openssl rand -base64 32/);
});
