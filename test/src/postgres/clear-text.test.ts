import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Secret } from '../../../src/core/secret.ts';
import { isInClear } from '../../../src/postgres/clear-text.ts';

const inClear = (url: string) => isInClear(new Secret(url));

/** What the driver takes from the environment where a URL does not say. */
const NAMES = ['PGHOST', 'PGSSLMODE'];
const given = NAMES.map((name) => [name, process.env[name]] as const);
before(() => {
  for (const name of NAMES) delete process.env[name];
});
after(() => {
  for (const [name, value] of given) if (value !== undefined) process.env[name] = value;
});

test('a database on another machine is read in clear text where its URL says nothing about TLS', () => {
  for (const url of [
    'postgres://app:secret@db.example.com:5432/shop',
    'postgresql://db/shop?application_name=x',
    'postgres://10.1.2.3/shop',
    'postgres://[2001:db8::1]:5432/shop',
    'postgres://u@/shop?host=db.example.com',
    'postgres://127.0.0.1.example.com/shop',
    'postgres://localhost.example.com/shop',
    'postgres://db/shop?sslmode=',
  ]) {
    assert.equal(inClear(url), true, url);
  }
});

test('this machine and its Unix sockets need no TLS', () => {
  for (const url of [
    'postgres://app:secret@localhost:5432/shop',
    'postgres://LOCALHOST/shop',
    'postgres://127.0.0.1/shop',
    'postgres://127.1.2.3/shop',
    'postgres://[::1]:5432/shop',
    'postgres:///shop',
    'postgres:///shop?host=/run/postgresql',
    'postgres://user@/shop?host=/run/postgresql',
    'postgres://%2Frun%2Fpostgresql/shop',
  ]) {
    assert.equal(inClear(url), false, url);
  }
});

test('whoever says something of TLS has decided, `disable` included', () => {
  for (const query of [
    'sslmode=verify-full&sslrootcert=/no/such/file',
    'sslmode=require',
    'sslmode=disable',
    'application_name=x&ssl=true',
    'sslrootcert=/no/such/file',
  ]) {
    assert.equal(inClear(`postgres://db.example.com/shop?${query}`), false, query);
  }
});

test('the environment counts as it does for the driver', () => {
  process.env.PGHOST = 'db.example.com';
  assert.equal(inClear('postgres:///shop'), true);
  process.env.PGSSLMODE = 'verify-full';
  assert.equal(inClear('postgres:///shop'), false);
});
