import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { assertNoSighting, canary, scanPath } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { startOwnKafka } from '../support/kafka/kafka.ts';
import { SchemaRegistry } from '../support/kafka/schema-registry.ts';
import { Servers } from '../support/trial/servers.ts';

const servers = await Servers.start();
const kafka = await startOwnKafka();
after(() => Promise.all([servers, kafka].map((one) => one[Symbol.asyncDispose]())));

/** Part of every value that a rule stands before, the key's and those of old images among them. */
const hidden = canary('a hidden value');
/** Part of a value that is kept: it belongs into the topics, and into nothing that pgveil says. */
const kept = canary('a kept value');

const tables: Tables = {
  'public.person': { columns: { id: 'hash', name: { fake: 'name' }, note: 'null', gone: 'drop', kept: 'keep' } },
};

const row = (id: string) =>
  `INSERT INTO person VALUES ('${hidden.value} ${id}', '${hidden.value}', '${hidden.value}', '${hidden.value}', '${kept.value}', '${hidden.value}')`;

const SETUP = `CREATE TABLE person (id text PRIMARY KEY, name text, note text, gone text, kept text, undecided text);
  ALTER TABLE person REPLICA IDENTITY FULL; ${row('1')}; ${row('2')}; ${row('3')}`;

const CHANGES = [
  row('10'),
  `UPDATE person SET name = name || 'changed' WHERE id LIKE '%1'`,
  `UPDATE person SET id = id || 'moved' WHERE id LIKE '%2'`,
  `UPDATE person SET undecided = undecided || repeat(md5(id), 300)`,
  `DELETE FROM person WHERE id LIKE '%3'`,
  `BEGIN; ${row('11')}; ROLLBACK`,
];

describe('planted values', () => {
  const formats = [
    { format: 'flat', schema: 'none' },
    { format: 'debezium', schema: 'inline' },
    { format: 'debezium', schema: 'registry' },
  ];
  for (const { format, schema } of formats) {
    test(`are in no segment of a broker and in nothing that is said (${format}, ${schema})`, async () => {
      await using registry = await SchemaRegistry.start();
      const described = schema === 'registry' ? { schema, registry: { url: registry.url } } : { schema };
      const options = { hasTwin: false, kafka: { brokers: kafka.brokers, compression: 'none', format, ...described } };
      await using trial = await servers.trial(SETUP, tables, options);
      const service = await trial.stream();
      for (const change of CHANGES) await trial.source.query(change);
      await trial.holdsAll(service);
      await trial.assertSilent([hidden, kept], service);
      await service.stop();
      const { directory } = kafka.node(1);
      assertNoSighting(await scanPath(directory, [hidden]));
      assert.notDeepEqual(await scanPath(directory, [kept]), []);
      assert.ok(!JSON.stringify(registry.versions(`${trial.name}.public.person-value`)).includes(hidden.value));
    });
  }
});
