import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../../config/load.ts';
import { configurationPage } from '../../../docs/generate/configuration.ts';
import { RULE_NAMES } from '../../../docs/generate/rules.ts';
import { options, settings } from '../../../docs/generate/settings.ts';

const page = readFileSync('docs/configuration.md', 'utf8');

test('docs/configuration.md is what `npm run docs` writes', () => {
  assert.equal(configurationPage(page), page);
});

test('every key stands there, and says what it is for', () => {
  for (const { path, purpose } of settings()) {
    assert.ok(page.includes(`| \`${path.replace(/^sinks\.\w+/, 'sinks.X')}\` |`), path);
    assert.notEqual(purpose, '', path);
  }
});

test('every rule has a heading and a table, and its options say what they are for', () => {
  for (const name of RULE_NAMES) {
    assert.ok(page.includes(`### ${name}\n`) && page.includes(`<!-- rule: ${name} -->\n`), name);
    for (const { path, purpose } of options(name)) assert.notEqual(purpose, '', `${name}.${path}`);
  }
});

test('a table that was changed by hand is found', () => {
  assert.equal(configurationPage(page.replace('| `memory` |', '| `memry` |')), page);
});

test('the example is a configuration', () => {
  const [, example] = /```yaml\n(.*?)```/s.exec(page)!;
  const env = {
    PGVEIL_KEY: Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64'),
    SOURCE_URL: 'postgres://localhost/shop',
    TWIN_URL: 'postgres://localhost/twin',
  };
  const config = parseConfig(example!, 'pgveil.yaml', { env, readFile: () => '' });
  assert.deepEqual([...config.tables.keys()], ['public.customer']);
});
