import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { openReader } from '../../../../connectors/postgres/session.ts';
import { ownSlotName } from '../../../../connectors/postgres/slot/own-slots.ts';
import { findUnused, UnusedSlots } from '../../../../connectors/postgres/slot/unused-slots.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { connect } from '../../../../src/postgres/connection.ts';
import { trouble } from '../../../../src/postgres/trouble.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { never } from '../parts.ts';

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
  const unused = new UnusedSlots(configured, (seen) => told.push(seen));
  await using reader = await asReader();
  assert.deepEqual(await reader.use((client) => findUnused(client, configured)), [...gone].sort());
  await unused.drop(reader.use, never);
  await unused.drop(() => assert.fail('asked again, in the life of one process'), never);
  const rows = await server.query('SELECT slot_name FROM pg_replication_slots');
  assert.deepEqual(rows.map(({ slot_name }) => slot_name).sort(), [...others, foreign, decoded].sort());
  assert.deepEqual(told, [...gone].sort().map(dropped));
  await server.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active');
});

test('one that somebody still reads from is dropped when they have left', async () => {
  const name = ownSlotName('pgveil_shop', 'events');
  await server.query('SELECT pg_create_logical_replication_slot($1, $2)', { values: [name, 'pgoutput'] });
  const walsender = await readFrom(name);
  const told: Observation[] = [];
  await using reader = await asReader();
  const unused = new UnusedSlots(configured, (seen) => told.push(seen));
  const stop = new AbortController();
  const first = unused.drop(reader.use, stop.signal);
  await until(() => told.length > 0, { what: 'the slot to be said to be still there' });
  stop.abort();
  await first; // the session is over, and the next one goes on
  const second = unused.drop(reader.use, never);
  await walsender.end();
  await second;
  assert.match((told[0] as { message: string }).message, /, and is still there: .* is in use by pid \d+$/);
  assert.deepEqual(told.slice(1), [dropped(name)]);
});

test('a sink that is the only one has no use for one either', async () => {
  const own = ownSlotName('pgveil_alone', 'twin');
  await server.query('SELECT pg_create_logical_replication_slot($1, $2)', { values: [own, 'pgoutput'] });
  await using reader = await asReader();
  const unusedOf = (...sinks: string[]) => reader.use((client) => findUnused(client, { slot: 'pgveil_alone', sinks }));
  assert.deepEqual(await unusedOf('twin', 'lake'), []);
  assert.deepEqual(await unusedOf('twin'), [own]);
});

test('a connection that is lost, or closed, ends it without a word', async () => {
  const told: Observation[] = [];
  const stop = new AbortController();
  const names = [{ name: ownSlotName('pgveil_shop', 'events') }];
  const asked = { query: async () => ({ rows: names }) } as unknown as pg.Client;
  let questions = 0;
  const closed = async <T>(work: (client: pg.Client) => Promise<T>) => {
    if (++questions === 1) return await work(asked); // it is closed between the first question and the second
    stop.abort();
    throw trouble('source', new Error('Client was closed and is not queryable'));
  };
  await new UnusedSlots(configured, (seen) => told.push(seen)).drop(closed, stop.signal);
  assert.equal(questions, 2);
  assert.deepEqual(told, []);
});

function dropped(name: string): Observation {
  const message = `the slot ${name} was kept for a sink that will not read from it any more: dropped`;
  return { type: 'step', message };
}

async function asReader() {
  const client = await openReader(new Secret(server.url()), 'test');
  const use = <T>(work: (client: pg.Client) => Promise<T>) => work(client);
  return { use, [Symbol.asyncDispose]: () => client.end() };
}

/** A walsender that streams from the slot until it is ended. */
async function readFrom(slot: string): Promise<pg.Client> {
  const client = await connect({ url: new Secret(server.url()), side: 'source', purpose: 'replication', name: 'test' });
  const options = `proto_version '1', publication_names 'none'`;
  client.query(`START_REPLICATION SLOT "${slot}" LOGICAL 0/0 (${options})`).catch(() => {});
  const isRead = async () =>
    (await server.query('SELECT FROM pg_replication_slots WHERE active AND slot_name = $1', { values: [slot] }))
      .length > 0;
  await until(isRead, { what: 'the slot to be in use' });
  return client;
}
