import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPassing, isTooLarge, sqlState, trouble } from '../../../src/postgres/trouble.ts';

const said = (code: string) =>
  trouble('twin', { code, message: 'the words of the server', detail: 'Key (email)=(a@b)' });

test('a socket that failed is called by its own name, and is no SQLSTATE', () => {
  for (const name of ['EPIPE', 'EPERM', 'ECONNRESET', 'ETIMEDOUT']) {
    const error = said(name);
    assert.deepEqual([error.code, error.message, sqlState(error)], ['twin_away', name, '']);
  }
});

test('the words of the server are told only where they speak of no value', () => {
  assert.equal(said('53100').message, 'SQLSTATE 53100: the words of the server');
  for (const state of ['22P02', '23505', '42601', 'P0001', 'XX000']) {
    assert.equal(said(state).message, `SQLSTATE ${state}`);
    assert.equal(sqlState(said(state)), state);
  }
});

test('what TLS refused is told from a socket that failed', () => {
  const names = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT'];
  // The last one: a client's certificate that is no certificate.
  for (const name of [...names, 'ERR_OSSL_PEM_NO_START_LINE']) assert.equal(said(name).code, 'tls_failed');
});

test('a row that is too large for a text is told from other failures of the server', () => {
  const words = 'invalid memory alloc request size 1132462085';
  const error = trouble('source', { code: 'XX000', message: words });
  assert.equal(error.message, `source: SQLSTATE XX000: ${words}`);
  assert.ok(isTooLarge(error) && isTooLarge({ code: '54000' }));
  assert.ok(!isTooLarge(said('XX000')) && !isTooLarge({ code: '53200' }));
});

test('a source that ended an idle session is away, and does not shut down', () => {
  const codes = ['57P01', '57P03', '57P05'].map((code) => trouble('source', { code }).code);
  assert.deepEqual(codes, ['source_closing', 'source_closing', 'source_away']);
});

test('what passes by itself is told from what does not', () => {
  for (const state of ['55P03', '57014', '40P01']) assert.ok(isPassing(said(state)), state);
  for (const state of ['57P01', 'XX000', '']) assert.ok(!isPassing(said(state)), state);
});
