import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { jsonSchema } from '../../config/json-schema.ts';

test('the committed JSON Schema is the one of the present schema; if not: node config/json-schema.ts', () => {
  assert.equal(readFileSync(new URL('../../pgveil.schema.json', import.meta.url), 'utf8'), jsonSchema());
});

test('it knows the names of rules and the words, and offers nothing that is not built', () => {
  const text = jsonSchema();
  for (const word of ['"withhold"', '"fake"', '"firstName"', '"null"', '"source_primary_key"', '"lake"', '"kafka"']) {
    assert.ok(text.includes(word), word);
  }
  for (const word of ['recopy_', '"rows"', '"not"']) {
    assert.ok(!text.includes(word), word);
  }
});
