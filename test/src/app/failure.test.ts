import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../../config/error.ts';
import { NotReady } from '../../../src/app/check/first-check.ts';
import { failureJson, failureOf, failureText } from '../../../src/app/failure.ts';
import { type ErrorCode, type Finding, PgveilError } from '../../../src/core/errors.ts';
import { CANARY } from './fakes.ts';

class DriverError extends Error {
  readonly detail = `Key (email)=(${CANARY}) already exists.`;
}

test('an error of ours is its message and its fix, with its own exit code', () => {
  const failure = failureOf(new PgveilError('wal_level', 'wal_level is replica', { fix: 'ALTER SYSTEM …;\nrestart' }));
  assert.equal(failure.exitCode, 3);
  assert.equal(failureText(failure), 'error: wal_level: wal_level is replica\n  fix: ALTER SYSTEM …;\n       restart');
  const { error } = JSON.parse(failureJson(failure));
  assert.deepEqual(error, { code: 'wal_level', message: 'wal_level is replica', fix: 'ALTER SYSTEM …;\nrestart' });
});

test('a configuration lists all of its errors by line', () => {
  const finding = {
    code: 'config_invalid',
    object: 'hush',
    message: 'unknown key',
    fix: 'keys here: a',
    file: 'p.yaml',
  } as const;
  const failure = failureOf(
    new ConfigError([
      { ...finding, line: 3 },
      { ...finding, line: null },
    ]),
  );
  assert.equal(failure.exitCode, 2);
  assert.match(
    failureText(failure),
    /^error: config_invalid: p\.yaml:3: hush: unknown key\n {2}fix: keys here: a\nerror: config_invalid: p\.yaml: hush/,
  );
  assert.equal(JSON.parse(failureJson(failure)).errors.length, 2);
});

test('a start that is not ready has the exit code of the worst finding', () => {
  const finding = (code: ErrorCode): Finding => ({ code, object: 'source', message: 'm', fix: 'f' });
  assert.equal(failureOf(new NotReady([finding('wal_level')])).exitCode, 3);
  assert.equal(failureOf(new NotReady([finding('wal_level'), finding('unknown_table')])).exitCode, 2);
});

test('an unexpected error shows its class and where it happened, and nothing that it says', () => {
  for (const message of [CANARY, `x\n    at ${CANARY} (file.ts:1:1)`, '']) {
    const error = new DriverError(message, { cause: new Error(CANARY) });
    const failure = failureOf(error);
    for (const text of [failureText(failure), failureJson(failure)]) {
      assert.ok(!text.includes(CANARY), text);
      assert.match(text, /DriverError/);
      assert.match(text, /failure\.test\.ts:\d+:\d+/);
    }
    assert.equal(failure.exitCode, 1);
  }
});

test('what is thrown and is no error shows nothing at all', () => {
  assert.ok(!failureText(failureOf(CANARY)).includes(CANARY));
  assert.ok(!failureText(failureOf({ message: CANARY, stack: `x\n    at ${CANARY} (a:1:1)` })).includes(CANARY));
});
