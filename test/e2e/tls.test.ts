import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
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

/** The configuration with these parameters in both URLs; `host` in the place of 127.0.0.1. */
function configurationWith(trial: Trial, parameters: Record<string, string>, host = '127.0.0.1') {
  const url = (plain: string) => {
    const address = new URL(plain);
    address.hostname = host;
    address.search = new URLSearchParams(parameters).toString();
    return address.href;
  };
  const twin = { type: 'postgres', url: url(trial.twinUrl) };
  return { source: { url: url(trial.sourceUrl) }, sinks: { twin } };
}

async function checked(trial: Trial, ...how: [parameters: Record<string, string>, host?: string]): Promise<string[]> {
  const file = await trial.write({ ...trial.configuration(), ...configurationWith(trial, ...how) }, 'tls.yaml');
  const { stdout, stderr } = await trial.pgveil(['check', '--json', '-c', file]);
  const { findings } = JSON.parse(stdout || stderr) as { findings: { code: string; message: string }[] };
  return findings.map(({ code, message }) => `${code} ${message}`);
}

/** Whether each session of pgveil's is encrypted, by what it is. */
async function sessions({ source, twin }: Trial): Promise<Set<string>> {
  const sql = `SELECT backend_type, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
    WHERE application_name LIKE 'pgveil%' AND datname = current_database()`;
  const rows = [...(await source.query(sql)).rows, ...(await twin.query(sql)).rows];
  return new Set(rows.map(({ backend_type: what, ssl }) => `${what}: ${ssl}`));
}

test('without TLS on the servers, and with it: what each sslmode asks for, and what it makes of a strange certificate', async () => {
  await Promise.all([speakTls(servers.source, false), speakTls(servers.twin, false)]);
  await using trial = await servers.trial(SETUP, tables);
  for (const sslmode of ['verify-full', 'require', 'no-verify']) {
    const said = await checked(trial, { sslmode });
    assert.equal(said.length, 2, said.join('\n'));
    for (const one of said) assert.match(one, /^tls_failed /);
  }
  assert.deepEqual(await checked(trial, { sslmode: 'disable' }), []);
  await Promise.all([speakTls(servers.source, true), speakTls(servers.twin, true)]);
  await trial.reconnect();

  const STRANGE = /^tls_failed .*DEPTH_ZERO_SELF_SIGNED_CERT/;
  for (const sslmode of ['verify-full', 'require', 'verify-ca', 'prefer'])
    for (const one of await checked(trial, { sslmode })) assert.match(one, STRANGE, sslmode);
  assert.equal((await checked(trial, { sslmode: 'require' })).length, 2);
  assert.deepEqual(await checked(trial, { sslmode: 'no-verify' }), []);
  assert.deepEqual(await checked(trial, { sslmode: 'verify-full', sslrootcert: certificate }), []);
  const elsewhere = await checked(trial, { sslmode: 'verify-full', sslrootcert: certificate }, 'localhost');
  assert.equal(elsewhere.length, 2);
  for (const one of elsewhere) assert.match(one, /^tls_failed .*ERR_TLS_CERT_ALTNAME_INVALID/);
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
    const service = await trial.run({ configuration: configurationWith(trial, parameters) });
    await service.isReady();
    const expected = ['client backend', 'walsender'].map((backend) => `${backend}: ${isEncrypted}`);
    assert.deepEqual([...(await sessions(trial))].sort(), expected);
    await trial.source.query("UPDATE t SET v = 'changed'");
    await trial.holdsAll(service);
    await trial.assertEqual();
    await service.stop();
  });
}
