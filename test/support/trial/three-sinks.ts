// A twin, a lake in a folder and topics of a broker, fed by one pipeline.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Admin } from '@platformatic/kafka';
import type { KafkaServer } from '../kafka/kafka.ts';
import { topicDifferences, topicOf } from '../kafka/topics.ts';
import { assertBothEqual, lakeOf } from '../lake/lake.ts';
import { SETUP, tables } from '../lake/shop.ts';
import type { Servers } from './servers.ts';
import type { Service } from './service.ts';
import type { Trial } from './trial.ts';

const PARTITIONS = 2;
const LATEST = -1n;

/** Topics are what the twin is where a row that is updated comes whole. */
const WHOLE = `${SETUP}; ALTER TABLE person REPLICA IDENTITY FULL`;

export async function threeSinks(servers: Servers, { brokers }: KafkaServer): Promise<Trial> {
  const kafka = { brokers, format: 'flat', topics: { partitions: PARTITIONS }, split: '1MB' };
  return await servers.trial(WHOLE, tables, { memory: '32MB', lake: {}, kafka });
}

/** The service, once every table streams into all three. */
export async function streamThree(trial: Trial): Promise<Service> {
  const service = await trial.run();
  await service.isReady();
  return service;
}

export async function assertThreeEqual(trial: Trial, { brokers }: KafkaServer): Promise<void> {
  await assertBothEqual(trial);
  assert.deepEqual(await topicDifferences({ brokers, pipeline: trial.name }, trial.twin, Object.keys(tables)), []);
}

/** All rows that three sinks hold, such that any that comes makes it another. Nobody may be writing. */
export async function stateOf(trial: Trial, { brokers }: KafkaServer): Promise<Record<string, unknown>> {
  const twin: Record<string, string> = {};
  for (const table of Object.keys(tables)) {
    const { rows } = await trial.twin.query(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
    const digest = createHash('sha256').update(rows.map(({ row }) => row).join('\n'));
    twin[table] = `${rows.length} ${digest.digest('hex')}`;
  }
  const lake: string[] = [];
  for await (const { name, size } of lakeOf(trial).list('public/')) lake.push(`${name} ${size}`);
  return { twin, lake, topics: await endsOf(trial, brokers) };
}

/** Where the topics end, markers and what is not committed included. */
async function endsOf(trial: Trial, brokers: readonly string[]): Promise<string[]> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...brokers] });
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, at) => ({ partitionIndex: at, timestamp: LATEST }));
    const names = Object.keys(tables).map((table) => topicOf(trial.name, table));
    const found = await admin.listOffsets({ topics: names.map((name) => ({ name, partitions })) });
    return found.map(({ name, partitions }) => `${name} ${partitions.map(({ offset }) => offset).join()}`).sort();
  } finally {
    await admin.close();
  }
}
