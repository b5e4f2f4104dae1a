import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { KafkaConnection } from '../../../config/config.ts';
import { RenewedUrl, renewedLogin, renewedRegistry } from '../../../src/app/renewed.ts';
import { Secret } from '../../../src/core/secret.ts';

const first = new Secret('postgres://app:old@db:5432/shop?sslmode=require');

test('a password that was changed is taken at the next connection, one with an @ too', () => {
  const urls = ['postgres://app:new@db:5432/shop?sslmode=require', 'postgres://app2:p@ss@db:5432/shop?sslmode=require'];
  const renewed = new RenewedUrl(first, () => new Secret(urls[0]!));
  assert.equal(renewed.reveal(), urls.shift());
  assert.equal(renewed.reveal(), urls[0]);
});

test('another server, database or setting waits for the next start', () => {
  for (const url of [
    'postgres://app:new@db2:5432/shop?sslmode=require',
    'postgres://app:new@db:5432/other',
    'postgres://',
  ]) {
    assert.equal(new RenewedUrl(first, () => new Secret(url)).reveal(), first.reveal());
  }
});

test('a configuration that cannot be read leaves the old one', () => {
  const renewed = new RenewedUrl(first, () => {
    throw new Error('unreadable');
  });
  assert.equal(renewed.reveal(), first.reveal());
});

test('it prints as little as any other secret', () => {
  const renewed = new RenewedUrl(first, () => first);
  assert.deepEqual(
    [String(renewed), JSON.stringify(renewed), inspect(renewed)],
    ['[secret]', '"[secret]"', '[secret]'],
  );
});

test('what a broker wants to know is read anew at each connection: a password, a token, a client’s secret', () => {
  const at = (sasl: KafkaConnection['sasl']): KafkaConnection => ({ brokers: [], tls: null, sasl });
  const endpoint = (secret: string) => {
    const place = { url: 'https://login/token', clientId: 'a', scope: null };
    return at({ mechanism: 'OAUTHBEARER', token: { ...place, clientSecret: new Secret(secret) } });
  };
  const password = (secret: string) => at({ mechanism: 'PLAIN', username: 'a', password: new Secret(secret) });
  const token = (secret: string) => at({ mechanism: 'OAUTHBEARER', token: new Secret(secret) });
  for (const login of [endpoint, password, token]) {
    let now = login('first');
    const renewed = renewedLogin(login('first'), () => now);
    now = login('second');
    assert.equal(secretOf(renewed), 'second');
    now = at(null); // to be followed at the next start
    assert.equal(secretOf(renewed), 'first');
  }
});

function secretOf({ sasl }: KafkaConnection): string {
  if (!sasl) return '';
  if (sasl.mechanism !== 'OAUTHBEARER') return sasl.password.reveal();
  return (sasl.token instanceof Secret ? sasl.token : sasl.token.clientSecret).reveal();
}

test('the password of a registry is read anew, and a registry without one stays as it is', () => {
  const registry = { url: 'https://registry', format: 'avro', credentials: null } as const;
  const withPassword = (password: string) => ({
    ...registry,
    credentials: { username: 'a', password: new Secret(password) },
  });
  const passwords = ['new', 'newer'];
  const renewed = renewedRegistry(withPassword('old'), () => withPassword(passwords.shift()!))!;
  assert.deepEqual([renewed.credentials!.password.reveal(), renewed.credentials!.password.reveal()], ['new', 'newer']);
  assert.equal(
    renewedRegistry(registry, () => withPassword('new')),
    registry,
  );
  assert.equal(renewedRegistry(withPassword('old'), () => registry)!.credentials!.password.reveal(), 'old');
});
