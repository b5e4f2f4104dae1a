import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openReader } from '../../../../connectors/postgres/session.ts';
import { ownSlotName } from '../../../../connectors/postgres/slot/own-slots.ts';
import { dropUnused, findUnused } from '../../../../connectors/postgres/slot/unused-slots.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres({ settings: { wal_level: 'logical' }, own: true });
});
after(() => server[Symbol.asyncDispose]());

const configured = { slot: 'pgveil_shop', sinks: ['twin', 'lake'] };

test('what was kept for a sink that is configured no longer is dropped, and nobody else’s', async () => {
  await server.query('CREATE DATABASE elsewhere');
  const make = (name: string, plugin = 'pgoutput', database = 'postgres') =>
    server.query('SELECT pg_create_logical_replication_slot($1, $2)', { values: [name, plugin], database });
  const gone = ['events', 'Übersee "1"'].map((sink) => ownSlotName('pgveil_shop', sink));
  const others = [
    'pgveil_shop',
    'pgveil_shop_lake',
    ownSlotName('pgveil_shop', 'lake'),
    ownSlotName('pgveil_shop_lake', 'events'),
    'pgveil_shop_events_1a2b3c4d',
  ];
  for (const name of [...gone, ...others]) await make(name);
  const [foreign, decoded] = ['a', 'b'].map((sink) => ownSlotName('pgveil_shop', sink));
  await make(foreign!, 'pgoutput', 'elsewhere');
  await make(decoded!, 'test_decoding');
  const told: Observation[] = [];
  const client = await openReader(new Secret(server.url()), 'test');
  try {
    assert.deepEqual(await findUnused(client, configured), [...gone].sort());
    await dropUnused(client, configured, (seen) => told.push(seen));
    await dropUnused(client, configured, (seen) => told.push(seen));
  } finally {
    await client.end();
  }
  const rows = await server.query('SELECT slot_name FROM pg_replication_slots');
  assert.deepEqual(rows.map(({ slot_name }) => slot_name).sort(), [...others, foreign, decoded].sort());
  const message = (name: string) => `the slot ${name} was kept for a sink that will not read from it any more: dropped`;
  assert.deepEqual(
    told,
    [...gone].sort().map((name) => ({ type: 'step', message: message(name) })),
  );
});

test('a sink that is the only one has no use for one either', async () => {
  const own = ownSlotName('pgveil_alone', 'twin');
  await server.query('SELECT pg_create_logical_replication_slot($1, $2)', { values: [own, 'pgoutput'] });
  const client = await openReader(new Secret(server.url()), 'test');
  try {
    assert.deepEqual(await findUnused(client, { slot: 'pgveil_alone', sinks: ['twin', 'lake'] }), []);
    assert.deepEqual(await findUnused(client, { slot: 'pgveil_alone', sinks: ['twin'] }), [own]);
  } finally {
    await client.end();
  }
});
