import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Config } from '../../../config/config.ts';
import { remainsOnSource } from '../../../connectors/postgres/remains.ts';
import { endSession, openReader } from '../../../connectors/postgres/session.ts';
import { ownSlotName } from '../../../connectors/postgres/slot/own-slots.ts';
import { Watch } from '../../../connectors/postgres/slot/watch.ts';
import { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { until } from '../../support/wait.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres({ settings: { wal_level: 'logical' }, own: true });
  await createDatabase(server, 'elsewhere');
});
after(() => server[Symbol.asyncDispose]());

const ours = (slot: string) => `replication slot ${slot} on the source`;

const use = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = await openReader(new Secret(server.url('postgres')), 'test');
  try {
    return await work(client);
  } finally {
    await endSession(client);
  }
};

function look(slot: string, sinks: readonly string[] = ['twin']) {
  const source = { url: new Secret(server.url('postgres')), slot, publication: slot };
  return remainsOnSource(
    { name: slot, source, sinks: new Map(sinks.map((sink) => [sink, {}])) } as unknown as Config,
    use,
  );
}

async function make(slot: string, plugin: string | null = 'pgoutput', database = 'postgres') {
  const physical = 'SELECT pg_create_physical_replication_slot($1)';
  const sql = plugin === null ? physical : 'SELECT pg_create_logical_replication_slot($1, $2)';
  await server.query(sql, { values: plugin === null ? [slot] : [slot, plugin], database });
}

const slots = async () =>
  (await server.query('SELECT slot_name AS name FROM pg_replication_slots ORDER BY 1')).map(({ name }) => name);

async function clean() {
  await server.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
}

test('the slots and the publication that pgveil made are there, and go', async () => {
  const [own, unused] = ['lake', 'topics'].map((sink) => ownSlotName('veil', sink));
  for (const slot of ['veil', own!, unused!, 'another']) await make(slot);
  await server.query(`CREATE PUBLICATION veil; COMMENT ON PUBLICATION veil IS 'made by pgveil'`);
  const { remains, others } = await look('veil', ['twin', 'lake']);
  assert.deepEqual(
    [remains.map(({ what }) => what), others],
    [[...['veil', own!, unused!].map(ours), 'publication veil on the source'], []],
  );
  for (const one of remains) await one.remove();
  assert.deepEqual(await slots(), ['another']);
  assert.deepEqual(await look('veil', ['twin', 'lake']), { remains: [], others: [] });
  await clean();
});

test('a slot that is physical, of another plugin or of another database is somebody else’s', async () => {
  await make('standby1', null);
  await make('decoded', 'test_decoding');
  await make('elsewhere', 'pgoutput', 'elsewhere');
  const othersOf = async (slot: string) => {
    const { remains, others } = await look(slot);
    assert.deepEqual(remains, []);
    return others;
  };
  assert.deepEqual(await othersOf('standby1'), [`${ours('standby1')} (physical)`]);
  assert.deepEqual(await othersOf('decoded'), [`${ours('decoded')} (for test_decoding in the database "postgres")`]);
  assert.deepEqual(await othersOf('elsewhere'), [`${ours('elsewhere')} (for pgoutput in the database "elsewhere")`]);
  assert.deepEqual(await slots(), ['decoded', 'elsewhere', 'standby1']);
  await clean();
});

test('a slot that took the place of ours since it was listed stays', async () => {
  await make('veil');
  const { remains } = await look('veil');
  await clean();
  await make('veil', null);
  await assert.rejects(remains[0]!.remove(), { code: 'slot_unfit', fix: /leaves it alone/ });
  assert.deepEqual(await slots(), ['veil']);
  await clean();
});

test('while somebody reads from one of them none is listed', async () => {
  const own = ownSlotName('veil', 'lake');
  for (const slot of ['veil', own]) await make(slot);
  const url = new Secret(server.url('postgres'));
  const reader = await connect({ url, side: 'source', purpose: 'replication', name: 'reader' });
  const reading = reader.query(`START_REPLICATION SLOT ${own} LOGICAL 0/0 (proto_version '1', publication_names 'x')`);
  reading.catch(() => {});
  const isRead = async () => (await server.query('SELECT FROM pg_replication_slots WHERE active')).length > 0;
  await until(isRead, { what: 'the slot to be read from' });
  await assert.rejects(look('veil', ['twin', 'lake']), { code: 'slot_in_use', message: new RegExp(own) });
  await endSession(reader);
  await until(async () => !(await isRead()), { what: 'the reader to leave' });
  await clean();
});

test('while an instance runs nothing is removed, though nobody reads from the slot: so it is in the first copy', async () => {
  await make('veil');
  const signal = new AbortController().signal;
  const unused = { drop: async () => {} };
  const { remains } = await look('veil');
  const running = await Watch.open(
    { url: new Secret(server.url('postgres')), pipeline: 'veil', slot: 'veil', unused, observe: () => {} },
    signal,
  );
  try {
    await assert.rejects(look('veil'), { code: 'slot_in_use' });
    await assert.rejects(remains[0]!.remove(), { code: 'slot_in_use' });
  } finally {
    await running.close();
  }
  assert.deepEqual(await slots(), ['veil']);
  await clean();
});
