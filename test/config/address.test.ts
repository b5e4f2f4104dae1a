import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPostgresUrl, parseListenAddress } from '../../config/address.ts';

test('a listen address is a host and a port', () => {
  assert.deepEqual(parseListenAddress('127.0.0.1:8787'), { host: '127.0.0.1', port: 8787 });
  assert.deepEqual(parseListenAddress('localhost:0'), { host: 'localhost', port: 0 });
  assert.deepEqual(parseListenAddress('[::1]:65535'), { host: '::1', port: 65_535 });
});

test('without a host, or with a port that does not exist, it is none', () => {
  for (const text of [
    '',
    ':8787',
    '8787',
    'localhost',
    'localhost:',
    'localhost:65536',
    '::1:8787',
    'a b:1',
    'h:1/x',
  ]) {
    assert.equal(parseListenAddress(text), undefined, text);
  }
});

test('what the driver understands is a URL of a Postgres', () => {
  const urls = [
    'postgres://user:pa%40ss@host:5432/db?sslmode=require',
    'postgresql://host/db',
    'postgres:///db?host=/run/postgresql',
    'postgres://user@/db?host=/run/postgresql',
    'postgres://[::1]:5432/db',
  ];
  for (const url of urls) assert.equal(isPostgresUrl(url), true, url);
});

test('another scheme, or a password that takes the URL apart, is not', () => {
  const urls = [
    '',
    'host/db',
    'mysql://host/db',
    'host=localhost',
    'postgres://u:p/w@host/db',
    'postgres://u:p#w@host/db',
  ];
  for (const url of urls) assert.equal(isPostgresUrl(url), false, url);
});
