import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../../config/load.ts';
import { exitCodeOf, isInTheWay, isWarning } from '../../../../src/app/check/check.ts';
import { findInClear } from '../../../../src/app/check/clear-text.ts';
import { CANARY, configText } from '../fakes.ts';

const readFile = () => assert.fail('reads no file');

function found(sourceHost: string, twinHost: string) {
  const hosts = [sourceHost, twinHost];
  const text = configText().replaceAll('127.0.0.1:1/', () => `${hosts.shift()}/`);
  return findInClear(parseConfig(text, 'pgveil.yaml', { env: {}, readFile }));
}

test('a source or a twin on another machine without TLS is a warning that ends nothing', () => {
  const findings = found('db.example.com', 'twin.example.com');
  assert.deepEqual(
    findings.map(({ code, object }) => [code, object]),
    [
      ['no_tls', 'source.url'],
      ['no_tls', 'sinks.twin.url'],
    ],
  );
  assert.match(findings[0]!.message, /raw/);
  assert.match(findings[0]!.fix, /sslmode=verify-full&sslrootcert=/);
  assert.doesNotMatch(JSON.stringify(findings), new RegExp(`${CANARY}|example\\.com`));
  assert.equal(exitCodeOf(findings), 0);
  assert.ok(findings.every((finding) => isWarning(finding) && !isInTheWay(finding)));
});

test('nothing is said of what stays on this machine, or has a word on TLS', () => {
  assert.deepEqual(found('127.0.0.1:5432', 'localhost'), []);
  const decided = configText().replaceAll(/127\.0\.0\.1:1\/(\w+)/g, 'db.example.com/$1?sslmode=verify-full');
  assert.deepEqual(findInClear(parseConfig(decided, 'pgveil.yaml', { env: {}, readFile })), []);
});
