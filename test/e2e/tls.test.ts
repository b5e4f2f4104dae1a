import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PgveilError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { connect } from '../../src/postgres/connection.ts';
import { writeData } from '../support/postgres/data.ts';
import type { PostgresServer } from '../support/postgres/postgres.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// What docs/03-permissions.md says of `sslmode`.

const servers = await Servers.start();
const directory = mkdtempSync(join(tmpdir(), 'pgveil-tls-'));
const certificate = join(directory, 'certificate.pem');
const tables = { 'public.t': { columns: { id: 'keep', v: 'keep' } } } as const;
const SETUP = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'v')";

after(async () => {
  await servers[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Both servers have one, by an authority that nobody knows, for 127.0.0.1. */
before(async () => {
  const key = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  for (const server of [servers.source, servers.twin]) {
    writeData(server, 'server.crt', readFileSync(certificate, 'utf8'));
    writeData(server, 'server.key', readFileSync(key, 'utf8'));
    chmodSync(join(server.dataDirectory, 'server.key'), 0o600);
  }
});

async function speakTls(server: PostgresServer, isOn: boolean): Promise<void> {
  await server.query(`ALTER SYSTEM SET ssl = ${isOn ? 'on' : 'off'}`);
  await server.restart();
}

function withParameters(plain: string, parameters: Record<string, string>, host = '127.0.0.1'): string {
  const address = new URL(plain);
  address.hostname = host;
  address.search = new URLSearchParams(parameters).toString();
  return address.href;
}

/** What becomes of a connection: `TLS`, `plain`, or what it is refused with. */
async function connected(...to: Parameters<typeof withParameters>): Promise<string> {
  try {
    const options = { url: new Secret(withParameters(...to)), side: 'source', purpose: 'read', name: 'test' } as const;
    const client = await connect(options);
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    await client.end();
    return rows[0].ssl === 't' ? 'TLS' : 'plain';
  } catch (error) {
    assert.ok(error instanceof PgveilError, String(error));
    return `${error.code}: ${error.message}`;
  }
}

/** Whether each session of pgveil's is encrypted, by what it is. */
async function sessions({ source, twin }: Trial): Promise<Set<string>> {
  const sql = `SELECT backend_type, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
    WHERE application_name LIKE 'pgveil%' AND datname = current_database()`;
  const rows = [...(await source.query(sql)).rows, ...(await twin.query(sql)).rows];
  return new Set(rows.map(({ backend_type: what, ssl }) => `${what}: ${ssl}`));
}

test('each sslmode asks for what the page says, of a server without TLS and of one with a strange certificate', async () => {
  const url = servers.source.url();
  await speakTls(servers.source, false);
  for (const sslmode of ['verify-full', 'require', 'no-verify'])
    assert.match(await connected(url, { sslmode }), /^tls_failed/);
  assert.equal(await connected(url, { sslmode: 'disable' }), 'plain');
  assert.equal(await connected(url, {}), 'plain');

  await speakTls(servers.source, true);
  for (const sslmode of ['verify-full', 'require', 'verify-ca', 'prefer'])
    assert.equal(await connected(url, { sslmode }), 'tls_failed: source: DEPTH_ZERO_SELF_SIGNED_CERT', sslmode);
  assert.equal(await connected(url, { sslmode: 'no-verify' }), 'TLS');
  assert.equal(await connected(url, { sslmode: 'disable' }), 'plain');
  assert.equal(await connected(url, {}), 'plain');
  const known = { sslmode: 'verify-full', sslrootcert: certificate };
  assert.equal(await connected(url, known), 'TLS');
  assert.equal(await connected(url, known, 'localhost'), 'tls_failed: source: ERR_TLS_CERT_ALTNAME_INVALID');
});

for (const [what, parameters, isEncrypted] of [
  [
    'verify-full every session is encrypted, the stream’s too',
    { sslmode: 'verify-full', sslrootcert: certificate },
    true,
  ],
  ['no sslmode none is', {}, false],
] as const) {
  test(`under ${what}`, async () => {
    await Promise.all([speakTls(servers.source, true), speakTls(servers.twin, true)]);
    await using trial = await servers.trial(SETUP, tables);
    const source = { url: withParameters(trial.sourceUrl, parameters) };
    const twin = { type: 'postgres', url: withParameters(trial.twinUrl, parameters) };
    const service = await trial.run({ configuration: { source, sinks: { twin } } });
    await service.isReady();
    const expected = ['client backend', 'walsender'].map((backend) => `${backend}: ${isEncrypted}`);
    assert.deepEqual([...(await sessions(trial))].sort(), expected);
    await trial.source.query("UPDATE t SET v = 'changed'");
    await trial.holdsAll(service);
    await trial.assertEqual();
    await service.stop();
  });
}
