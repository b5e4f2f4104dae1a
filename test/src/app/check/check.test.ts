import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from '../../../../src/app/assembly.ts';
import { exitCodeOf, findingsJson, findingsText, gather } from '../../../../src/app/check/check.ts';
import { type ErrorCode, type Finding, PgveilError } from '../../../../src/core/errors.ts';

const finding = (code: ErrorCode, object = 'x'): Finding => ({
  code,
  object,
  message: `${code} is so`,
  fix: 'one\ntwo',
});
const check = (needs: string, ...found: Finding[]): Check => ({ needs, findings: async () => found });
const failing = (needs: string, error: Error): Check => ({ needs, findings: () => Promise.reject(error) });

test('all sides are listed at once, also when one cannot be reached, the configuration first', async () => {
  const findings = await gather([
    failing('source', new PgveilError('source_away', 'source: ECONNREFUSED')),
    check('twin', finding('no_key', 'public.a'), finding('target_exists', 'public.b')),
    check('rules', finding('rule_misfit', 'public.c')),
  ]);
  assert.deepEqual(
    findings.map(({ code, object }) => `${code} ${object}`),
    ['rule_misfit public.c', 'target_exists public.b', 'no_key public.a', 'source_away source'],
  );
});

test('two sides that need the same server tell once that it is away', async () => {
  const away = new PgveilError('source_away', 'source: ECONNREFUSED');
  assert.equal((await gather([failing('source', away), failing('source', away)])).length, 1);
});

test('the same is found of two tables and listed twice', async () => {
  const findings = await gather([check('source', finding('no_key', 'public.a'), finding('no_key', 'public.b'))]);
  assert.equal(findings.length, 2);
});

test('a defect in a check is not taken for a finding', async () => {
  await assert.rejects(gather([failing('source', new TypeError('x'))]), TypeError);
});

test('the exit code is 2 for the configuration, else 3 for a person, else 1 for what is away, else 0', () => {
  assert.equal(exitCodeOf([]), 0);
  assert.equal(exitCodeOf([finding('rule_changed')]), 0, 'a copy to come keeps nothing from running');
  assert.equal(exitCodeOf([finding('values_unsent'), finding('topic_at_risk')]), 0, 'nor does a warning');
  assert.equal(exitCodeOf([finding('source_away')]), 1);
  assert.equal(exitCodeOf([finding('source_away'), finding('no_key')]), 3);
  assert.equal(exitCodeOf([finding('source_away'), finding('wal_level'), finding('unknown_column')]), 2);
});

test('JSON has exactly the fields of the contract', () => {
  const extra = { ...finding('wal_level'), more: 1 };
  assert.deepEqual(JSON.parse(findingsJson([extra])), {
    ok: false,
    findings: [{ code: 'wal_level', object: 'x', message: 'wal_level is so', fix: 'one\ntwo' }],
  });
  assert.deepEqual(JSON.parse(findingsJson([])), { ok: true, findings: [] });
});

test('people read a paragraph for each finding, SQL of several lines indented', () => {
  assert.equal(
    findingsText([finding('wal_level', 'source')]),
    'wal_level: source\n  wal_level is so\n  fix: one\n       two\n\n1 finding',
  );
  assert.equal(findingsText([]), 'ok: nothing stands in the way');
});
