import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { KafkaConfig, LakeConfig, TwinConfig } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { DEPLOYED } from './support/deployed.ts';
import { IMAGE as KAFKA_IMAGE } from './support/kafka/node.ts';
import { IMAGE as S3_IMAGE } from './support/lake/s3-server.ts';
import { startPostgres } from './support/postgres/postgres.ts';

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
  const { endpoint, place } = config.sinks.get('lake') as LakeConfig;
  assert.equal(new URL(endpoint!).hostname, 'lake');
  assert.deepEqual(place, { kind: 'bucket', bucket: 'lake', prefix: 'shop' });
  const { connection } = config.sinks.get('topics') as KafkaConfig;
  assert.deepEqual(connection.brokers, [{ host: 'kafka', port: 9092 }]);
  assert.deepEqual(config.http, { host: '0.0.0.0', port: 8787 });
});

test('the source of docker-compose.yml writes logical WAL, and the writer changes the table that is configured', async () => {
  assert.ok(compose.services.source.command.includes('wal_level=logical'));
  assert.match(contentOf('people'), /CREATE TABLE public\.person/);
  await using server = await startPostgres();
  await server.query(contentOf('people'));
  // pgbench, which is not among the servers of the tests, sets variables by lines of its own.
  const [script, names] = [contentOf('changes'), /^\\set (\w+) random\((\d+), (\d+)\)$/gm];
  const change = (at: (least: number, most: number) => number) => {
    const set = Array.from(script.matchAll(names), ([, name, least, most]) => [name!, at(+least!, +most!)] as const);
    const sql = script.replaceAll(names, '').replaceAll(/:(\w+)/g, (_, name) => String(new Map(set).get(name)));
    return server.query(sql);
  };
  await change((least) => least);
  await change((_, most) => most);
  const [found] = await server.query(`SELECT max(phone) FILTER (WHERE person_id = 1) AS phone,
    count(*) FILTER (WHERE person_id > 1000)::int AS more FROM public.person`);
  assert.deepEqual(found, { phone: '+49 30 100000', more: 0 }); // one was changed, one came and went
});

/** The lines of the unit's section [Service]. */
function unit(): string[] {
  const page = readFileSync('docs/08-operations.md', 'utf8');
  return /```ini\n.*?^\[Service\]\n(.*?)^\[/ms.exec(page)![1]!.split('\n');
}

test('image and unit start pgveil as the tests do', () => {
  const variables = Object.entries(DEPLOYED).map(([name, value]) => `${name}=${value}`);
  assert.ok(unit().includes(`Environment=${variables.join(' ')}`));
  assert.match(readFileSync('Dockerfile', 'utf8'), new RegExp(`^ENV .*${variables.join(' ')}$`, 'm'));
});

test('pgveil leaves no core, in docker-compose.yml or as a service, and its service does not swap: both would hold raw rows', () => {
  // One byte: a program that cores are piped to gets them whatever the limit is, but for this one (core(5), fs/coredump.c).
  assert.equal(compose.services.pgveil.ulimits.core, 1);
  for (const line of ['LimitCORE=1', 'MemorySwapMax=0']) assert.ok(unit().includes(line), line);
});

test('the images of docker-compose.yml are those that the suite runs from where there is Docker', () => {
  assert.equal(compose.services.lake.image, S3_IMAGE);
  assert.equal(compose.services.kafka.image, KAFKA_IMAGE);
  assert.match(compose.services.lake.entrypoint.at(-1), /^mkdir -p \/data\/lake /, 'a folder is a bucket there');
});
