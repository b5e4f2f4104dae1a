import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsPage } from '../../../docs/generate/errors.ts';
import { VERSION } from '../../../src/app/version.ts';
import { ERRORS } from '../../../src/core/errors.ts';

test('docs/errors.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync('docs/errors.md', 'utf8'), errorsPage());
});

test('every code stands in one section of the page', () => {
  for (const code of Object.keys(ERRORS)) {
    assert.equal(errorsPage().split(`\n### ${code}\n`).length, 2, code);
  }
});

test('the version is that of the package', () => {
  assert.equal(JSON.parse(readFileSync('package.json', 'utf8')).version, VERSION);
});
