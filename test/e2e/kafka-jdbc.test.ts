import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Admin } from '@platformatic/kafka';
import type pg from 'pg';
import type { Tables } from '../support/judge/decisions.ts';
import { type Connector, startConnect } from '../support/kafka/connect.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { topicOf } from '../support/kafka/topics.ts';
import { createDatabase } from '../support/postgres/postgres.ts';
import { projectRoot } from '../support/project.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { hasJava } from '../support/servers/maven.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, seen timestamptz, paid numeric(12,2), photo bytea, ok boolean,
    small smallint, number integer, token uuid, data jsonb, born date);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  ALTER TABLE person REPLICA IDENTITY FULL;
  CREATE TABLE visit (place text, number integer, weight double precision, ratio real, tags text[], PRIMARY KEY (place, number));
  ALTER TABLE visit REPLICA IDENTITY FULL;
  INSERT INTO person SELECT 9007199254740993 + i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), now(), i / 7.0,
    decode(md5(i::text), 'hex'), i % 3 = 0, i, -i, md5(i::text)::uuid, jsonb_build_object('n', i), current_date - i
    FROM generate_series(1, 300) i;
  INSERT INTO visit SELECT 'place "' || i % 9, i, 1e-20 * i, i / 7.0, ARRAY['a "b"', NULL] FROM generate_series(1, 300) i;
`;

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'keep',
      email: { fake: 'email' },
      note: 'keep',
      seen: 'keep',
      paid: 'keep',
      photo: 'keep',
      ok: 'keep',
      small: 'keep',
      number: 'keep',
      token: 'keep',
      data: 'keep',
      born: 'keep',
    },
  },
  'public.visit': {
    columns: { place: { hash: { class: 'place' } }, number: 'keep', weight: 'keep', ratio: 'keep', tags: 'keep' },
  },
};

/** What the random changes know no values for. */
const VISITS = `
  INSERT INTO visit VALUES ('new', 1, 0.1, 0.1, '{}'), ('new', 2, NULL, NULL, NULL);
  UPDATE visit SET number = number + 1000, tags = tags || '{ü}' WHERE number % 3 = 0;
  DELETE FROM visit WHERE number % 5 = 1;
`;

/** Of rows that go in these ways only a compacted topic tells the sink. */
const GONE = `TRUNCATE visit; INSERT INTO visit SELECT 'last', i FROM generate_series(1, 50) i`;

async function makeCompacted(topic: string): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] });
  try {
    const configs = [{ name: 'cleanup.policy', value: 'compact' }];
    await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1, configs });
  } finally {
    await admin.close();
  }
}

/** That of the documents, for this trial's topics and another database on the server of its twin. */
async function documentedConnector(trial: Trial, database: string): Promise<Connector> {
  const page = await readFile(join(projectRoot, 'docs/05-kafka.md'), 'utf8');
  const [, json] = /```json\n(.*?)```/s.exec(page)!;
  const { name, config } = JSON.parse(json!) as Connector;
  const { host, username, password } = new URL(trial.twinUrl);
  const connection = { url: `jdbc:postgresql://${host}/${database}`, username, password };
  const own = Object.entries(connection).map(([key, value]) => [`connection.${key}`, value]);
  const topics = Object.keys(tables).map((table) => topicOf(trial.name, table));
  return { name, config: { ...config, ...Object.fromEntries(own), topics: topics.join() } };
}

/** Rows of a table as texts, by key; none where it is not there. */
async function textsOf(client: pg.Client, table: string): Promise<Map<string, string>> {
  await client.query(`SET TimeZone = 'UTC'`);
  const there = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
  if (!there.rows[0].there) return new Map();
  const { fields } = await client.query(`SELECT * FROM ${table} LIMIT 0`);
  const names = fields.map(({ name }) => name).sort();
  const sql = `SELECT source_primary_key::text, ${names.map((name) => `${name}::text`).join(', ')} FROM ${table}`;
  const { rows } = await client.query({ text: sql, rowMode: 'array' });
  return new Map(rows.map(([key, ...cells]) => [key, JSON.stringify([names, cells])]));
}

/** As the sink calls it. */
function sinkTableOf({ name }: Trial, table: string): string {
  return topicOf(name, table).replaceAll('.', '_');
}

async function differences(trial: Trial, target: pg.Client): Promise<string[]> {
  const found: string[] = [];
  for (const table of Object.keys(tables)) {
    const [twin, there] = [await textsOf(trial.twin, table), await textsOf(target, sinkTableOf(trial, table))];
    const keys = [...new Set([...twin.keys(), ...there.keys()])];
    const different = keys.filter((key) => twin.get(key) !== there.get(key));
    if (different.length > 0 || twin.size === 0) found.push(`${different.length} of ${twin.size} rows of ${table}`);
  }
  return found;
}

describe('Debezium’s JDBC sink, set up as the documents say', () => {
  test('makes tables equal to the twin’s of a copy, of changes, of a new copy, and in a compacted topic of a truncate', async (context) => {
    if (!(await hasJava())) return context.skip('there is no Java to run Kafka Connect with');
    const options = { brokers: kafka.brokers, format: 'debezium', schema: 'inline', topics: { partitions: 3 } };
    await using trial = await servers.trial(SETUP, tables, { kafka: options });
    await makeCompacted(topicOf(trial.name, 'public.visit'));
    const service = await trial.stream();
    const database = `${trial.name}_features`;
    await createDatabase(servers.twin, database);
    const target = await servers.twin.connect(database);
    try {
      await using connect = await startConnect(kafka.brokers, await documentedConnector(trial, database));
      const isEqual = async (when: string) => {
        await trial.holdsAll(service);
        await trial.assertEqual();
        let different: string[] = [];
        const look = async () => {
          different = await differences(trial, target);
          return different.length === 0;
        };
        await connect.until(look, () => `equal tables ${when}; different: ${different}`);
      };
      await isEqual('after the copy');
      const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(6), ['public.person']);
      await changes.transactions(300);
      await trial.source.query(VISITS);
      await isEqual('after changes');
      const { generation } = (await service.status()).tables['public.person']!;
      assert.equal((await trial.command(['recopy', 'public.person'])).code, 0);
      await service.copiesAnew('public.person', generation);
      await changes.transactions(100);
      await isEqual('after a new copy');
      await trial.source.query(GONE);
      await isEqual('after a truncate of what has a compacted topic');
    } finally {
      await target.end();
    }
  });
});
