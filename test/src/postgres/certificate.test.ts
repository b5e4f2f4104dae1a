import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PgveilError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';

const URL = 'postgres://user:secret@127.0.0.1:1/shop?sslmode=verify-full&sslrootcert=/nowhere/ca.pem';

test('a certificate that a URL names and that cannot be read is a TLS error with its fix, which names no part of the URL', async () => {
  const connecting = connect({ url: new Secret(URL), side: 'source', purpose: 'read', name: 'pgveil test' });
  await assert.rejects(connecting, (error) => {
    assert.ok(error instanceof PgveilError, String(error));
    assert.equal(error.code, 'tls_failed');
    assert.equal(error.message, 'source: a certificate or key that the URL names cannot be read: ENOENT');
    assert.match(error.fix, /`sslrootcert`, `sslcert` or `sslkey`/);
    return true;
  });
});
