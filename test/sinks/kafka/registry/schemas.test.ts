import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { RegistryConfig } from '../../../../config/config.ts';
import { Schemas, type SchemasOptions } from '../../../../sinks/kafka/registry/schemas.ts';
import type { PgveilError } from '../../../../src/core/errors.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { sketchTable } from '../../../support/batches.ts';
import { type RegistryLogin, SchemaRegistry } from '../../../support/kafka/schema-registry.ts';

const signal = new AbortController().signal;
const LOGIN = { username: 'pgveil', password: 'a password' };

function schemasOf(url: string, changed: Partial<RegistryConfig> = {}, options: Partial<SchemasOptions> = {}): Schemas {
  const registry: RegistryConfig = { url, format: 'avro', credentials: null, ...changed };
  return new Schemas({ registry, format: 'flat', int8: 'number', ...options });
}

function credentials({ username, password }: RegistryLogin): RegistryConfig['credentials'] {
  return { username, password: new Secret(password) };
}

const tableOf = (columns: Record<string, string>) => sketchTable({ relation: 'person', columns, key: ['id'] });
const table = tableOf({ id: 'bigint', name: 'text' });
const isCode = (code: string) => (error: PgveilError) => error.code === code;

describe('schemas', () => {
  for (const format of ['avro', 'json'] as const) {
    for (const envelope of ['flat', 'debezium'] as const) {
      test(`are registered once for each definition of a table, and later ones are compatible (${format}, ${envelope})`, async () => {
        await using registry = await SchemaRegistry.start();
        const schemas = schemasOf(registry.url, { format }, { format: envelope });
        const idOf = (columns: Record<string, string>) => schemas.idOf(tableOf(columns), 'a topic', signal);
        const id = await idOf({ id: 'bigint', name: 'text' });
        const { length } = registry.requests;
        assert.equal(await idOf({ id: 'bigint', name: 'text' }), id);
        assert.equal(registry.requests.length, length);
        assert.notEqual(await idOf({ id: 'bigint', name: 'text', more: 'integer' }), id);
        await idOf({ id: 'bigint', more: 'integer' });
        assert.equal(registry.versions('a topic-value').length, 3);
        const anew = schemasOf(registry.url, { format }, { format: envelope });
        await anew.idOf(tableOf({ id: 'bigint', more: 'integer' }), 'a topic', signal);
        assert.equal(registry.versions('a topic-value').length, 3);
      });

      test(`that readers of the one before could not bear halt the table (${format}, ${envelope})`, async () => {
        await using registry = await SchemaRegistry.start();
        const schemas = schemasOf(registry.url, { format }, { format: envelope });
        await schemas.idOf(table, 'topic', signal);
        const retyped = tableOf({ id: 'bigint', name: 'integer' });
        assert.deepEqual(await schemas.findings(table, 'topic', signal), []);
        assert.deepEqual(await schemas.findings(retyped, 'another topic', signal), []);
        const findings = await schemas.findings(retyped, 'topic', signal);
        assert.deepEqual(
          findings.map(({ code, object }) => `${code} ${object}`),
          ['schema_refused public.person'],
        );
        const refused = schemas.idOf(tableOf({ id: 'bigint', name: 'integer' }), 'topic', signal);
        await assert.rejects(refused, (error: PgveilError) => {
          return (
            error.code === 'schema_refused' && error.table === 'public.person' && /topic-value/.test(error.message)
          );
        });
        assert.equal(registry.versions('topic-value').length, 1);
      });
    }
  }
});

describe('a registry', () => {
  test('is told who we are, and says so where it does not know', async () => {
    await using registry = await SchemaRegistry.start(LOGIN);
    await schemasOf(registry.url, { credentials: credentials(LOGIN) }).check(signal);
    const strangers = [null, credentials({ ...LOGIN, password: 'another' })];
    for (const stranger of strangers) {
      const schemas = schemasOf(registry.url, { credentials: stranger });
      await assert.rejects(schemas.check(signal), isCode('credentials_refused'));
      await assert.rejects(schemas.idOf(table, 'topic', signal), isCode('credentials_refused'));
    }
    registry.broken = 403;
    await assert.rejects(schemasOf(registry.url).check(signal), isCode('registry_rights'));
  });

  test('that is away or too busy is one to wait for', async () => {
    await using registry = await SchemaRegistry.start();
    const schemas = schemasOf(registry.url);
    for (const status of [429, 500, 503, 50002]) {
      registry.broken = status;
      await assert.rejects(schemas.idOf(table, 'topic', signal), isCode('registry_away'));
    }
    registry.broken = null;
    assert.equal(await schemas.idOf(table, 'topic', signal), 1);
    await registry[Symbol.asyncDispose]();
    await assert.rejects(schemas.check(signal), isCode('registry_away'));
  });

  test('that takes no schema halts the table, and one that answers as none does is said to', async () => {
    await using registry = await SchemaRegistry.start();
    registry.broken = 42201;
    await assert.rejects(schemasOf(registry.url).idOf(table, 'topic', signal), isCode('schema_refused'));
    registry.broken = 404;
    await assert.rejects(schemasOf(registry.url).idOf(table, 'topic', signal), isCode('registry_failed'));
    const answers: RequestListener[] = [
      (_, response) => response.end('<html>'),
      (_, response) => response.end('"text"'),
      (_, response) => response.writeHead(301, { Location: registry.url }).end(),
      (_, response) => response.end('["PROTOBUF"]'),
    ];
    registry.broken = null;
    for (const answer of answers) {
      const server = createServer(answer).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await assert.rejects(schemasOf(url).check(signal), isCode('registry_failed'));
      server.close();
      server.closeAllConnections();
    }
  });

  test('is not waited for by whoever closes', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1'); // never answers
    await new Promise((resolve) => server.once('listening', resolve));
    const closing = new AbortController();
    const asked = schemasOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).check(closing.signal);
    server.once('request', () => closing.abort());
    await assert.rejects(asked, isCode('registry_away'));
    server.close();
    server.closeAllConnections();
  });
});
