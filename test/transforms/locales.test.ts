import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { LOCALES } from '../../transforms/locales.ts';

test('every locale of the package is listed, and no other', () => {
  const package_ = dirname(createRequire(import.meta.url).resolve('@faker-js/faker/package.json'));
  const files = readdirSync(join(package_, 'dist', 'locale')).filter((file) => file.endsWith('.js'));
  const names = files.map((file) => file.replace('.js', '')).filter((name) => name !== 'base');
  assert.deepEqual(Object.keys(LOCALES).sort(), names.sort());
});
