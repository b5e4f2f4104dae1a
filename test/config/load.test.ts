import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { TwinConfig } from '../../config/config.ts';
import { ConfigError } from '../../config/error.ts';
import { loadConfig } from '../../config/load.ts';
import type { Decision } from '../../config/rules.ts';
import { Secret } from '../../src/core/secret.ts';
import { CANARY, configuration, environment, parse, withColumn } from '../support/configuration.ts';

test('the smallest configuration has all defaults', () => {
  const { key, source, sinks, ...rest } = parse(configuration());
  const sink = sinks.get('twin') as TwinConfig;
  assert.deepEqual(rest, {
    name: 'shop',
    unlisted: { columns: 'withhold' },
    tables: new Map([
      ['public.t', { schema: 'public', relation: 't', key: null, columns: new Map([['id', { kind: 'keep' }]]) }],
    ]),
    memory: 268_435_456,
    http: { host: '127.0.0.1', port: 8787 },
    control: null,
  });
  assert.ok(key.reveal().equals(Buffer.from(environment.PGVEIL_KEY, 'base64')));
  assert.deepEqual(
    { ...source, url: source.url.reveal() },
    {
      url: environment.SOURCE_URL,
      publication: 'pgveil_shop',
      slot: 'pgveil_shop',
      workers: 5,
      onGap: 'recopy',
      failover: null,
      walAlarm: { retained: 10 * 1024 ** 3, timeLeftMs: 7_200_000 },
      walLimit: null,
      longestRetryMs: 300_000,
      autoBelow: 100 * 1024 ** 3,
    },
  );
  assert.deepEqual(
    { ...sink, url: sink.url.reveal() },
    {
      type: 'postgres',
      name: 'twin',
      patienceMs: 30_000,
      mayDetach: false,
      url: environment.TWIN_URL,
      indexes: true,
      types: new Map(),
      sourcePrimaryKey: 'source_primary_key',
      room: null,
    },
  );
});

test('everything that can be set is set', () => {
  const config = parse(
    configuration({
      source: `source:
  url: postgres://h/d
  publication: Pub
  slot: slot_1
  snapshot: { workers: '\${WORKERS}' }
  on_gap: halt
  failover: false
  wal_alarm: { retained: 500MB, time_left: 30min }
  wal_limit: 20GB`,
      tables: 'tables: { public.t: { key: [b, a], columns: {} } }',
      sinks: `sinks:
  twin:
    type: postgres
    url: postgres://h/e
    indexes: false
    types: { citext: text, __proto__: jsonb }
    source_primary_key: pk
    room: 1TB
    patience: 0s
  lake:
    type: lake
    url: s3://bucket/a/b/
    endpoint: http://127.0.0.1:9000
    flush: { bytes: 1GB, every: 30s }
    timestamps: string
    patience: 1h
    on_wal_limit: detach`,
      others: `unlisted: { tables: skip, columns: halt }
memory: 1 GB
recopy: { auto_below: 500MB, retry: 1h }
http: { listen: '[::1]:0' }
control: /run/pgveil.sock`,
    }),
  );
  const { url: _source, ...source } = config.source;
  const { url: _twin, ...sink } = config.sinks.get('twin') as TwinConfig;
  assert.deepEqual(source, {
    publication: 'Pub',
    slot: 'slot_1',
    workers: 7,
    onGap: 'halt',
    failover: false,
    walAlarm: { retained: 500 * 1024 ** 2, timeLeftMs: 1_800_000 },
    walLimit: 20 * 1024 ** 3,
    autoBelow: 500 * 1024 ** 2,
    longestRetryMs: 3_600_000,
  });
  assert.deepEqual(config.tables.get('public.t')?.key, ['b', 'a']);
  assert.deepEqual(sink, {
    type: 'postgres',
    name: 'twin',
    patienceMs: 0,
    mayDetach: false,
    indexes: false,
    types: new Map([
      ['citext', 'text'],
      ['__proto__', 'jsonb'],
    ]),
    sourcePrimaryKey: 'pk',
    room: 1024 ** 4,
  });
  assert.deepEqual(config.sinks.get('lake'), {
    type: 'lake',
    name: 'lake',
    patienceMs: 3_600_000,
    mayDetach: true,
    place: { kind: 'bucket', bucket: 'bucket', prefix: 'a/b' },
    endpoint: 'http://127.0.0.1:9000',
    flush: { bytes: 1024 ** 3, everyMs: 30_000 },
    timestamps: 'string',
  });
  assert.deepEqual([config.unlisted.columns, config.memory, config.control], ['halt', 1024 ** 3, '/run/pgveil.sock']);
  assert.deepEqual(config.http, { host: '::1', port: 0 });
});

test('a lake needs its URL and nothing else, and a sink need not be a twin', () => {
  const { sinks } = parse(
    configuration({ sinks: `sinks: { files: { type: lake, url: 'file:///var/a%20lake', endpoint: '' } }` }),
  );
  assert.deepEqual(
    [...sinks.values()],
    [
      {
        type: 'lake',
        name: 'files',
        patienceMs: 30_000,
        mayDetach: false,
        place: { kind: 'folder', path: '/var/a lake' },
        endpoint: null,
        flush: { bytes: 128 * 1024 ** 2, everyMs: 300_000 },
        timestamps: 'timestamp_ntz',
      },
    ],
  );
});

const nulls = true;
const fake = { unique: false, locale: 'en', nulls };
const decisions: [text: string, decision: Decision][] = [
  ['keep', { kind: 'keep' }],
  ['drop', { kind: 'drop' }],
  ["'null'", { kind: 'null' }],
  ['hash', { kind: 'rule', name: 'hash', options: { length: 32, class: 'hash', nulls } }],
  ['{ hash: {} }', { kind: 'rule', name: 'hash', options: { length: 32, class: 'hash', nulls } }],
  [
    '{ hash: { length: 64, class: customer, nulls: false } }',
    { kind: 'rule', name: 'hash', options: { length: 64, class: 'customer', nulls: false } },
  ],
  ['mask', { kind: 'rule', name: 'mask', options: { first: 0, last: 0, with: '*', nulls } }],
  [
    "{ mask: { first: 2, last: 1, with: '😀' } }",
    { kind: 'rule', name: 'mask', options: { first: 2, last: 1, with: '😀', nulls } },
  ],
  ["{ constant: '00000' }", { kind: 'rule', name: 'constant', options: { value: '00000', nulls } }],
  ['{ constant: 00000 }', { kind: 'rule', name: 'constant', options: { value: '00000', nulls } }],
  ['{ constant: 0 }', { kind: 'rule', name: 'constant', options: { value: '0', nulls } }],
  ["{ constant: '' }", { kind: 'rule', name: 'constant', options: { value: '', nulls } }],
  [`{ constant: 'x\${CANARY}' }`, { kind: 'rule', name: 'constant', options: { value: `x${CANARY}`, nulls } }],
  [
    '{ constant: { value: a, nulls: false } }',
    { kind: 'rule', name: 'constant', options: { value: 'a', nulls: false } },
  ],
  ['{ truncate: 3 }', { kind: 'rule', name: 'truncate', options: { length: 3, nulls } }],
  ['{ truncate: { length: 3 } }', { kind: 'rule', name: 'truncate', options: { length: 3, nulls } }],
  ['{ round: 0 }', { kind: 'rule', name: 'round', options: { digits: 0, nulls } }],
  ['{ round: { digits: -2 } }', { kind: 'rule', name: 'round', options: { digits: -2, nulls } }],
  ['{ fake: email }', { kind: 'rule', name: 'fake', options: { kind: 'email', ...fake } }],
  [
    '{ fake: { kind: firstName, locale: pt_BR } }',
    { kind: 'rule', name: 'fake', options: { kind: 'firstName', ...fake, locale: 'pt_BR' } },
  ],
  [
    '{ fake: { kind: email, unique: true, domain: example.org } }',
    { kind: 'rule', name: 'fake', options: { kind: 'email', ...fake, unique: true, domain: 'example.org' } },
  ],
];

for (const [text, decision] of decisions) {
  test(`${text} is a decision`, () => {
    const columns = parse(withColumn(`ssn: ${text}`)).tables.get('public.t')?.columns;
    assert.deepEqual(columns?.get('ssn'), decision);
  });
}

test('the name of a rule tells the type of its options', () => {
  const lengthOf = (decision: Decision) =>
    decision.kind === 'rule' && decision.name === 'hash' ? decision.options.length.toFixed() : null;
  assert.equal(lengthOf({ kind: 'rule', name: 'hash', options: { length: 32, class: 'hash', nulls: true } }), '32');
});

test('tables and columns may have any name that Postgres can hold', () => {
  const columns = ['__proto__', 'constructor', '😀', 'a.b/c', 'say "hi"', "it's", ' ', 'x'.repeat(63)];
  const tables = [
    'public.__proto__',
    'constructor.constructor',
    'public."😀"',
    'public."a.b/c"',
    'public."say ""hi"""',
  ];
  const lines = columns.map((name) => `      ${JSON.stringify(name)}: hash`);
  const text = tables.map((name) => `  ${JSON.stringify(name)}:\n    columns:\n${lines.join('\n')}`);
  const config = parse(configuration({ tables: ['tables:', ...text].join('\n') }));
  assert.deepEqual([...config.tables.keys()], tables);
  for (const table of config.tables.values()) {
    assert.deepEqual([...table.columns.keys()], columns);
    assert.equal(table.columns.get('__proto__')?.kind, 'rule');
  }
});

test('tables are found under their one spelling, and skipped ones are not there', () => {
  const tables = `tables: { '"public"."t"': { columns: {} }, public.u: skip }`;
  assert.deepEqual([...parse(configuration({ tables })).tables.keys()], ['public.t']);
});

test('a configuration can be printed whole without showing a secret', () => {
  const config = parse(configuration());
  assert.ok(config.key instanceof Secret);
  for (const shown of [JSON.stringify(config), inspect(config, { depth: null, showHidden: true })]) {
    assert.doesNotMatch(shown, new RegExp(CANARY));
    assert.doesNotMatch(shown, new RegExp(Buffer.from(CANARY).toString('hex').match(/../g)!.join(' ')));
  }
});

test('a file that is not there is a finding, and no stack trace', () => {
  assert.throws(
    () => loadConfig('/nowhere/pgveil.yaml', {}),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.findings.map(({ code, line }) => [code, line]),
        [['config_invalid', null]],
      );
      assert.doesNotMatch(inspect(error), /\n\s+at /);
      return true;
    },
  );
});

test('a relative reference to a file starts from the folder of the configuration', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pgveil-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'key'), `${environment.PGVEIL_KEY}\n`);
  writeFileSync(join(folder, 'pgveil.yaml'), configuration({ key: `key: \${file:key}` }));
  assert.equal(loadConfig(join(folder, 'pgveil.yaml'), environment).key.reveal().length, 33);
});

test('our example loads', () => {
  const config = loadConfig(new URL('../../config/example.yaml', import.meta.url).pathname, environment);
  assert.deepEqual([...config.tables.keys()], ['public.person', 'public."Order Items"']);
});

test('the example of the plan loads, less the sink that is not built yet', (t) => {
  const file = new URL('../../../shared/pgveil.example.yaml', import.meta.url);
  if (!existsSync(file)) return t.skip('../shared/pgveil.example.yaml is not on this machine');
  const text = readFileSync(file, 'utf8');
  const { tables, sinks } = parse(text.replace(/^ {2}topics:\n(?: {4}.*\n|\n)*/m, ''));
  assert.deepEqual([...tables.keys()], ['public.customer', 'public.invoice']);
  assert.deepEqual([...sinks.keys()], ['twin', 'lake']);
});
