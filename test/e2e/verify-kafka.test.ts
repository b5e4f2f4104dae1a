import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// `pgveil verify` of topics: what they amount to is what the sink would send of redact(source).

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, "a ""b""" jsonb, paid numeric(12,2), weight float8, ok boolean);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  ALTER TABLE person REPLICA IDENTITY FULL;
  INSERT INTO person SELECT 9007199254740993 + i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), '{"x": [1, "}"]}', i / 7.0,
    CASE WHEN i % 5 = 0 THEN 'NaN' ELSE i / 7.0 END, i % 3 = 0 FROM generate_series(1, 600) i;
  CREATE TABLE visit (place text, number integer, at date, PRIMARY KEY (place, number));
  INSERT INTO visit SELECT 'place "' || i % 9, i, current_date - i FROM generate_series(1, 600) i`;

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'keep',
      email: { fake: 'email' },
      note: 'keep',
      'a "b"': 'keep',
      paid: 'keep',
      weight: 'keep',
      ok: 'keep',
    },
  },
  'public.visit': { columns: { place: { hash: { class: 'place' } }, number: 'keep', at: 'keep' } },
};

interface Result {
  readonly compared: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
}

async function verify(trial: Trial, ...args: string[]) {
  const { code, stdout, stderr } = await trial.command(['verify', '--json', ...args], 240_000);
  assert.ok(code === 0 || code === 3, stderr);
  return { code, tables: JSON.parse(stdout).tables as Record<string, Result> };
}

function figuresOf({ compared, missing, extra, different }: Result): number[] {
  return [compared, missing, extra, different];
}

describe('verify of topics', () => {
  for (const [kind, format] of Object.entries({
    flat: { format: 'flat' },
    debezium: { format: 'debezium' },
    'debezium with its schema': { format: 'debezium', schema: 'inline' },
  })) {
    test(`of ${kind} messages finds nothing after changes and under them, and then what the topics lack`, async () => {
      const topics = { brokers: kafka.brokers, topic: `${kind.replaceAll(' ', '-')}.{schema}.{table}`, ...format };
      await using trial = await servers.trial(SETUP, tables, { kafka: topics, hasTwin: false });
      const changes = await RandomChanges.open(trial.source, trial.sourceUrl, new Random(1), Object.keys(tables));
      const pgveil = await trial.stream();
      await changes.transactions(200);
      const writing = changes.transactions(200);
      const during = await verify(trial);
      await writing;
      assert.equal(during.code, 0, JSON.stringify(during.tables));
      await trial.source.query("TRUNCATE visit; INSERT INTO visit VALUES ('x', 1, NULL), ('x', 2, NULL)");
      await trial.holdsAll(pgveil);
      await pgveil.stop();

      // Nobody reads from the slot: what follows is in no topic.
      await trial.source.query(
        `DELETE FROM visit WHERE number = 1; INSERT INTO visit VALUES ('x', 3, NULL), ('x', 4, NULL)`,
      );
      await trial.source.query(
        'UPDATE person SET ok = NOT ok WHERE id = (SELECT max(id) FROM person WHERE ok IS NOT NULL)',
      );
      const { rows } = await trial.source.query('SELECT count(*)::int AS n FROM person');
      const { code, tables: found } = await verify(trial);
      assert.equal(code, 3);
      assert.deepEqual(figuresOf(found['public.person']!), [rows[0].n, 0, 0, 1]);
      assert.deepEqual(figuresOf(found['public.visit']!), [4, 2, 1, 0]);
    });
  }
});
