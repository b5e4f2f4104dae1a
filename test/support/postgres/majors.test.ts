import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { chosenMajors, parseMajors } from './majors.ts';

const { PGVEIL_TEST_MAJORS: asked } = process.env;
beforeEach(() => {
  delete process.env.PGVEIL_TEST_MAJORS;
});
afterEach(() => {
  if (asked !== undefined) process.env.PGVEIL_TEST_MAJORS = asked;
});

test('most tests run on the newest major, the core on all', () => {
  assert.deepEqual(chosenMajors(), [18]);
  assert.deepEqual(chosenMajors({ core: true }), [14, 15, 16, 17, 18]);
  assert.deepEqual(chosenMajors({ core: true, since: 16 }), [16, 17, 18]);
});

test('what PGVEIL_TEST_MAJORS asks for holds for both, where the test has something to test', () => {
  process.env.PGVEIL_TEST_MAJORS = '14, 17';
  assert.deepEqual(chosenMajors(), [14, 17]);
  assert.deepEqual(chosenMajors({ core: true, since: 15 }), [17]);
  assert.deepEqual(chosenMajors({ since: 18 }), []);
});

test('a typo is an error and not an empty run', () => {
  assert.throws(() => parseMajors('14,1'), /"1" is not a Postgres major/);
  assert.throws(() => parseMajors(''), /is not a Postgres major/);
});
