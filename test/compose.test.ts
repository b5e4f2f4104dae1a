import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { TwinConfig } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';

const compose = parse(readFileSync('docker-compose.yml', 'utf8'));

/** As Compose passes it on: `$$` stands for one `$`. */
const contentOf = (config: string): string => compose.configs[config].content.replace(/\$\$/g, () => '$');

test('the configuration in docker-compose.yml is one, and its addresses are those of the services', () => {
  const { environment } = compose.services.pgveil;
  const env = { ...environment, PGVEIL_KEY: Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64') };
  const references = { env, readFile: () => assert.fail('reads no file') };
  const config = parseConfig(contentOf('pgveil'), 'docker-compose.yml', references);
  assert.equal(new URL(config.source.url.reveal()).hostname, 'source');
  const twin = config.sinks.get('twin') as TwinConfig;
  assert.equal(new URL(twin.url.reveal()).hostname, 'twin');
  assert.deepEqual(config.http, { host: '0.0.0.0', port: 8787 });
});

test('the source of docker-compose.yml writes logical WAL and has the table that is configured', () => {
  assert.ok(compose.services.source.command.includes('wal_level=logical'));
  assert.match(contentOf('people'), /CREATE TABLE public\.person/);
});
