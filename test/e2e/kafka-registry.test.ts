import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Cluster } from '../../sinks/kafka/client/cluster.ts';
import { idsOf, markersWritten, plainConnection } from '../sinks/kafka/parts.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { startKafka } from '../support/kafka/kafka.ts';
import { readDecoded } from '../support/kafka/reader.ts';
import { SchemaRegistry } from '../support/kafka/schema-registry.ts';
import { hasPython } from '../support/lake/readers.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// A twin and topics whose schemas are in a registry, fed by one pipeline while the table's definition changes.

const servers = await Servers.start();
const kafka = await startKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const LOGIN = { username: 'pgveil', password: 'of the registry' };
const PARTITIONS = 3;

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, seen timestamptz, paid numeric(12,2), visits integer, ok boolean);
  INSERT INTO person SELECT 9007199254740993 + i, 'person' || i || '@shop.test', 'note ' || i, now(), i / 7.0, i, i % 3 = 0
    FROM generate_series(1, 300) i;
`;

const COLUMNS = {
  id: 'keep',
  email: { fake: 'email' },
  note: 'keep',
  seen: 'keep',
  paid: 'keep',
  visits: 'keep',
  ok: 'keep',
} as const;
const withColumns = (columns: Tables[string]['columns' & keyof Tables[string]]): Tables => ({
  'public.person': { columns },
});

interface Circumstance {
  readonly trial: Trial;
  readonly registry: SchemaRegistry;
  readonly subject: string;
  /** The rows of the latest state, as Confluent's deserializers read them with the latest schema, are those of the twin. */
  assertEqual(): Promise<void>;
}

async function withRegistry(
  format: 'avro' | 'json',
  work: (circumstance: Circumstance) => Promise<void>,
): Promise<void> {
  await using registry = await SchemaRegistry.start(LOGIN);
  const { url } = registry;
  const options = {
    kafka: {
      brokers: kafka.brokers,
      format: 'flat',
      topics: { partitions: PARTITIONS },
      schema: 'registry',
      registry: { url, format, username: LOGIN.username, password: '${REGISTRY_PASSWORD}' },
    },
    environment: { REGISTRY_PASSWORD: LOGIN.password },
  };
  await using trial = await servers.trial(SETUP, withColumns(COLUMNS), options);
  const topic = `${trial.name}.public.person`;
  const subject = `${topic}-value`;
  const assertEqual = async () => {
    await trial.assertEqual();
    const rows = await latest(trial, topic, { url: `http://${encoded(LOGIN)}@${new URL(url).host}`, format, subject });
    assert.deepEqual(rows, await twinRows(trial));
  };
  await work({ trial, registry, subject, assertEqual });
}

function encoded({ username, password }: typeof LOGIN): string {
  return `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
}

/** By key, under the rules of docs/05-kafka.md; of one partition after another, as their keys are different ones. */
async function latest(trial: Trial, topic: string, through: Parameters<typeof readDecoded>[3]): Promise<string[]> {
  const cluster = new Cluster(plainConnection(kafka.brokers));
  try {
    await markersWritten(cluster, idsOf(trial.name));
  } finally {
    await cluster.close();
  }
  const rows = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [key, value, op] of await readDecoded(kafka.brokers, topic, PARTITIONS, through)) {
    if (op === 'd') rows.delete(key);
    else if (value) rows.set(key, value);
  }
  return [...rows.values()].map(textOf).sort();
}

async function twinRows(trial: Trial): Promise<string[]> {
  await trial.twin.query(`SET TimeZone = 'UTC'`);
  const { rows: described } = await trial.twin.query<{ name: string; type: string }>(
    `SELECT attname AS name, atttypid::regtype::text AS type FROM pg_attribute
     WHERE attrelid = 'person'::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  const cells = described.map(({ name, type }) => (type === 'boolean' ? name : `${name}::text`));
  const { rows } = await trial.twin.query(`SELECT ${cells.join(', ')} FROM person`);
  return rows.map(textOf).sort();
}

/** Without what is null, and without what the message says of the change. */
function textOf(row: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(row).filter(([name, value]) => value !== null && !name.startsWith('__'));
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}

describe('topics whose schemas are in a registry', () => {
  for (const format of ['avro', 'json'] as const) {
    test(`stay readable when columns come and go (${format})`, async (context) => {
      if (!(await hasPython())) return context.skip('there is no Python to run confluent-kafka with');
      await withRegistry(format, async ({ trial, registry, subject, assertEqual }) => {
        await trial.catchUp();
        await assertEqual();
        await trial.source.query(`UPDATE person SET paid = paid + 1, note = NULL WHERE visits % 5 = 0;
          DELETE FROM person WHERE visits % 7 = 0; INSERT INTO person (id, email) VALUES (1, 'new@shop.test')`);
        await trial.catchUp();
        await assertEqual();
        assert.equal(registry.versions(subject).length, 1);
        await trial.source.query(`ALTER TABLE person ADD more integer DEFAULT 5; UPDATE person SET more = visits`);
        trial.tables = withColumns({ ...COLUMNS, more: 'keep' });
        await trial.catchUp();
        await assertEqual();
        assert.equal(registry.versions(subject).length, 2);
        await trial.source.query('ALTER TABLE person DROP note; UPDATE person SET paid = paid + 1');
        await trial.catchUp();
        await assertEqual();
        assert.equal(registry.versions(subject).length, 3);
      });
    });
  }

  test('halt a table of which a column gets another type, until the registry takes that', async () => {
    await withRegistry('avro', async ({ trial, registry, subject }) => {
      await trial.catchUp();
      await trial.source.query('ALTER TABLE person ALTER visits TYPE text; UPDATE person SET ok = NOT ok');
      await trial.catchUp(3);
      const { stdout } = await trial.command(['status', '--json']);
      assert.match(stdout, /schema_refused/);
      registry.compatibility = 'NONE';
      const run = ['run', '--until-caught-up', '--recopy', 'public.person'];
      assert.equal((await trial.command(run)).code, 0);
      await trial.assertEqual();
      assert.equal(registry.versions(subject).length, 2);
    });
  });

  test('are waited for, with the rows, where the registry is away', async () => {
    await withRegistry('avro', async ({ trial, registry, subject }) => {
      registry.broken = 503;
      const checked = await trial.command(['check', '--json']);
      const { findings } = JSON.parse(checked.stdout) as { findings: { code: string; object: string }[] };
      assert.ok(findings.some(({ code, object }) => code === 'registry_away' && object === 'sinks.topics.registry'));
      const service = await trial.run();
      await service.process.waitForOutput(/registry_away/);
      registry.broken = null;
      await service.isReady();
      await trial.holdsAll(service);
      assert.equal(registry.versions(subject).length, 1);
    });
  });
});
