import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsPage } from '../../../docs/generate/errors.ts';
import { VERSION } from '../../../src/app/version.ts';
import { ERRORS, type ErrorCode } from '../../../src/core/errors.ts';

const ofOneSink: readonly ErrorCode[] = [
  ...(['key_collision', 'row_missing', 'twin_refused', 'twin_full', 'swap_blocked', 'too_wide'] as const),
  ...(['lake_refused', 'message_too_large', 'topic_unfit', 'schema_refused', 'reserved_column'] as const),
];

test('docs/errors.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync('docs/errors.md', 'utf8'), errorsPage());
});

test('every code stands in one section of the page', () => {
  for (const code of Object.keys(ERRORS)) {
    assert.equal(errorsPage().split(`\n### ${code}\n`).length, 2, code);
  }
});

test('what a sink refuses a table for says that the table halts in all sinks', () => {
  for (const code of ofOneSink) assert.match(ERRORS[code].means, /The table halts in all sinks\.$/, code);
});

test('the version is that of the package', () => {
  assert.equal(JSON.parse(readFileSync('package.json', 'utf8')).version, VERSION);
});
