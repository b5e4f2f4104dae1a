import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isOwnSlot, OwnSlots, ownSlotName } from '../../../../connectors/postgres/slot/own-slots.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres({ settings: { wal_level: 'logical', max_replication_slots: '2' }, own: true });
});
after(() => server[Symbol.asyncDispose]());

const slots = (walLimit: number | null = null) =>
  new OwnSlots({ url: new Secret(server.url()), slot: 'pgveil_shop', walLimit });
const made = async () =>
  (await server.query('SELECT slot_name FROM pg_replication_slots ORDER BY 1')).map(({ slot_name }) => slot_name);

test('names are legal, short, and nobody else’s', () => {
  const names = [
    ownSlotName('pgveil_shop', 'lake'),
    ownSlotName('pgveil_shop', 'Lake'),
    ownSlotName('pgveil_shop_lake', ''),
    ownSlotName('p'.repeat(63), 'x'.repeat(63)),
    ownSlotName('pgveil_shop', 'Übersee "1"'),
  ];
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z0-9_]{1,63}$/);
});

test('a name tells whose it is, also where names of pipelines begin alike', () => {
  const long = 'p'.repeat(60);
  const sinks = ['lake', 'Lake', 'lake_twin', 'twin', 'x'.repeat(63), 'Übersee "1"', 'a_1a2b3c4d', '_', ' '];
  const pipelines = ['pgveil_shop', 'pgveil_shop_', 'pgveil_shop_lake', 'pgveil_shop_lake_twin', long, `${long}q`];
  for (const pipeline of pipelines) {
    for (const sink of sinks) {
      const name = ownSlotName(pipeline, sink);
      assert.deepEqual(
        pipelines.filter((other) => isOwnSlot(other, name)),
        [pipeline],
      );
      assert.ok(!isOwnSlot(pipeline, `${name}0`) && !isOwnSlot(pipeline, name.slice(0, -1)));
    }
    for (const other of [...pipelines, `${pipeline}_`, `${pipeline}_lake`, `${pipeline}_1a2b3c4d`]) {
      assert.ok(!isOwnSlot(pipeline, other), `${pipeline} ${other}`);
    }
  }
});

test('a copy stands where the pipeline’s stands, is made once, and goes without a trace', async () => {
  const own = slots();
  assert.equal(await own.stands(), null);
  await assert.rejects(own.copy('lake'), { code: 'slot_lost' });
  await server.query("SELECT pg_create_logical_replication_slot('pgveil_shop', 'pgoutput')");
  await own.copy('lake');
  await own.copy('lake');
  assert.deepEqual(await made(), ['pgveil_shop', own.nameOf('lake')]);
  const sql = 'SELECT confirmed_flush_lsn AS lsn FROM pg_replication_slots';
  const [one, other] = await server.query(sql);
  assert.equal(one.lsn, other.lsn);
  await assert.rejects(own.copy('twin'), { code: 'no_free_slot' });
  await own.drop('lake');
  await own.drop('lake');
  assert.deepEqual(await made(), ['pgveil_shop']);
});

test('a slot keeps too much beyond what is configured, or most of what the server would keep for it', async () => {
  const [any, limited] = [slots(), slots(1024 ** 2)];
  assert.equal(await any.kept(null), null, 'the server keeps whatever is needed');
  assert.equal(await limited.kept('lake'), null, 'it has none');
  const before = (await limited.kept(null))!;
  assert.equal(before.name, 'pgveil_shop');
  await server.query(`SELECT pg_logical_emit_message(false, 'test', repeat('x', ${2 * 1024 ** 2}))`);
  const isBeyond = async () => ((await limited.kept(null))!.excess > 0 ? await limited.kept(null) : null);
  const { stands, excess } = await until(isBeyond, { what: 'it to be written' });
  assert.ok(before.excess < 0 && excess < 4 * 1024 ** 2, `${before.excess} ${excess}`);
  assert.equal(stands, before.stands);
  await server.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '100MB'`);
  await server.query('SELECT pg_reload_conf()');
  const kept = await until(() => any.kept(null), { what: 'the limit to hold' });
  assert.ok(kept.excess < -80 * 1024 ** 2 && kept.excess > -120 * 1024 ** 2, `${kept.excess}`);
});

test('of a slot that the server gave up there is nothing to be copied', async () => {
  const own = slots();
  await server.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`);
  await server.query('SELECT pg_reload_conf()');
  const isLost = async () => {
    await server.query(`SELECT pg_logical_emit_message(false, 'test', 'fills a segment'), pg_switch_wal()`);
    await server.query('CHECKPOINT');
    const [slot] = await server.query('SELECT wal_status FROM pg_replication_slots');
    return slot.wal_status === 'lost';
  };
  await until(isLost, { what: 'the server to give the slot up' });
  await assert.rejects(own.copy('lake'), { code: 'slot_lost' });
  assert.deepEqual(await made(), ['pgveil_shop']);
});
