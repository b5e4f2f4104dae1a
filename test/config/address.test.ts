import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEndpoint, isPostgresUrl, parseLakeUrl, parseListenAddress } from '../../config/address.ts';

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

test('a lake lies below a prefix of a bucket or in a folder', () => {
  assert.deepEqual(parseLakeUrl('s3://bucket'), { kind: 'bucket', bucket: 'bucket', prefix: '' });
  assert.deepEqual(parseLakeUrl('s3://my.bucket-1//a b/c/'), {
    kind: 'bucket',
    bucket: 'my.bucket-1',
    prefix: 'a b/c',
  });
  assert.deepEqual(parseLakeUrl('file:///var/a%20lake'), { kind: 'folder', path: '/var/a lake' });
});

test('a place that could be meant in two ways is none', () => {
  for (const text of [
    '',
    's3://',
    's3://B',
    's3://bucket?x',
    's3://bucket/a/../b',
    'file:///',
    'file://host/a',
    '/a',
  ]) {
    assert.equal(parseLakeUrl(text), undefined, text);
  }
  assert.equal(parseLakeUrl('file:///a%2Fb'), undefined);
});

test('an endpoint is the address of a store and holds no secret', () => {
  for (const text of ['http://127.0.0.1:9000', 'https://store.example/', 'http://[::1]:9000'])
    assert.ok(isEndpoint(text), text);
  for (const text of ['', 'store:9000', 'ftp://store', 'http://key:secret@store', 'http://store/path', 'http://']) {
    assert.ok(!isEndpoint(text), text);
  }
});
