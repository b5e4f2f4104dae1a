import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Checkpoint, Position } from '../../../../src/core/checkpoint.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { copyData, replaceData, writeData } from '../../../support/postgres/data.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { Consumer, checkpointAfter, checkpointAtNewSlot, sourceOf } from '../following.ts';

forMajors('the same history', {}, (major) => {
  const names = ['public.t'];
  const isConfirmed = ({ type }: Observation) => type === 'confirmed';
  type Known = Checkpoint & { readonly position: Position };

  async function serverWithTable(more: Record<string, string> = {}): Promise<PostgresServer> {
    const settings = { wal_level: 'logical', wal_writer_delay: '10ms', ...more };
    const server = await startPostgres({ major, settings, own: true });
    await server.query('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION veil FOR TABLE t');
    return server;
  }

  /** Streams until the server's end, acknowledges all of it or nothing, and gives the checkpoint and the rows. */
  async function follow(server: PostgresServer, from: Known, { acknowledge = true } = {}) {
    const { source, told } = sourceOf(server, names);
    await using consumer = new Consumer(source, from);
    await consumer.caughtUp();
    assert.equal(told.filter(isConfirmed).length, 1);
    const checkpoint = checkpointAfter(from, consumer);
    if (acknowledge) consumer.source.ack(checkpoint.position.pos);
    await consumer.stop();
    return { checkpoint, rows: consumer.changes };
  }

  async function refusal(server: PostgresServer, from: Known, options: Parameters<typeof sourceOf>[2] = {}) {
    const { source, told } = sourceOf(server, names, options);
    await using consumer = new Consumer(source, from);
    const { code } = await consumer.failure();
    assert.deepEqual(consumer.batches, [], 'nothing may be applied');
    assert.deepEqual(told.filter(isConfirmed), []);
    return code;
  }

  test('a slot that was dropped is lost, and held where the configuration says so', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    await server.query(`SELECT pg_drop_replication_slot('veil')`);
    assert.equal(await refusal(server, from), 'slot_lost');
    assert.equal(await refusal(server, from, { onGap: 'halt' }), 'gap_held');
  });

  test('a slot that was dropped and made anew is lost, with and without rows in between', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    for (const row of ['SELECT 1', 'INSERT INTO t VALUES (1)']) {
      await server.query(`SELECT pg_drop_replication_slot('veil')`);
      await server.query(row);
      await checkpointAtNewSlot(server, names);
      assert.equal(await refusal(server, from), 'slot_lost');
    }
  });

  test('a slot that the server gave up is lost', async () => {
    await using server = await serverWithTable({
      max_slot_wal_keep_size: '1MB',
      wal_keep_size: '0',
      max_wal_size: '32MB',
    });
    const from = await checkpointAtNewSlot(server, names);
    for (let i = 0; i < 4; i++) await server.query('SELECT pg_switch_wal(); CREATE TABLE w AS SELECT 1; DROP TABLE w');
    await server.query('CHECKPOINT');
    assert.equal(await refusal(server, from), 'slot_lost');
  });

  test('another server and another database are another history', async () => {
    await using server = await serverWithTable();
    const from = await checkpointAtNewSlot(server, names);
    for (const other of [{ systemIdentifier: '7000000000000000001' }, { databaseOid: 1 }]) {
      const history = { ...from.position.history, ...other };
      assert.equal(await refusal(server, { ...from, position: { ...from.position, history } }), 'history_changed');
    }
  });

  test('a data directory restored from an older copy is another history, before and after its LSN passed ours', async () => {
    await using server = await serverWithTable();
    const first = await checkpointAtNewSlot(server, names);
    await server.query('INSERT INTO t VALUES (1)');
    const { checkpoint: early } = await follow(server, first);
    await server.stop();
    const copy = copyData(server);
    await server.start();
    await server.query('INSERT INTO t VALUES (2)');
    await server.query('INSERT INTO t VALUES (3)');
    const { checkpoint } = await follow(server, early);
    await server.stop();

    replaceData(server, copy);
    await server.start();
    assert.equal(await refusal(server, checkpoint), 'history_changed');
    for (let id = 100; id < 200; id++) await server.query(`INSERT INTO t VALUES (${id})`);
    await server.query(`CREATE TABLE w AS SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i; CHECKPOINT`);
    assert.equal(await refusal(server, checkpoint), 'history_changed');

    // The checkpoint from before the copy was taken is a part of both histories.
    assert.equal((await follow(server, early, { acknowledge: false })).rows.length, 100);
  });

  test('restored with the same rows written again, and even with no rows at all, it is another history', async () => {
    for (const rows of [['INSERT INTO t VALUES (2)'], []]) {
      await using server = await serverWithTable();
      const first = await checkpointAtNewSlot(server, names);
      await server.stop();
      const copy = copyData(server);
      await server.start();
      await server.query('INSERT INTO t VALUES (2)');
      const { checkpoint } = await follow(server, first);
      await server.stop();
      replaceData(server, copy);
      await server.start();
      for (const row of rows) await server.query(row);
      await server.query(`CREATE TABLE w AS SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i; CHECKPOINT`);
      assert.equal(await refusal(server, checkpoint), 'history_changed');
    }
  });

  /** Lets the stopped server recover as far as `settings` say and start a timeline of its own, as a promoted standby does. */
  async function promote(server: PostgresServer, settings: string): Promise<void> {
    writeData(server, 'recovery.signal', '');
    const target = `restore_command = 'false'\nrecovery_target_action = 'promote'\n${settings}\n`;
    writeData(server, 'postgresql.auto.conf', target);
    await server.start();
    const isOver = async () => !(await server.query('SELECT pg_is_in_recovery() AS recovering'))[0]!.recovering;
    await until(isOver, { what: 'the promotion' });
  }

  test('a promotion that kept all that we have goes on', async () => {
    await using server = await serverWithTable();
    const first = await checkpointAtNewSlot(server, names);
    await server.query('INSERT INTO t VALUES (1)');
    const { checkpoint } = await follow(server, first);
    await server.query('INSERT INTO t VALUES (2)');
    await server.stop();
    await promote(server, '');
    await server.query('INSERT INTO t VALUES (3)');
    const after = await follow(server, checkpoint);
    assert.deepEqual(after.rows, ['insert public.t 2', 'insert public.t 3']);
    assert.equal(after.checkpoint.position.history.timeline, 2);
    assert.deepEqual((await follow(server, after.checkpoint)).rows, []);
  });

  test('a promotion that lacks what we have is another history, also when its LSN passed ours', async () => {
    await using server = await serverWithTable();
    const first = await checkpointAtNewSlot(server, names);
    await server.stop();
    const copy = copyData(server);
    await server.start();
    const [{ target }] = (await server.query('SELECT pg_current_wal_lsn() AS target')) as [{ target: string }];
    await server.query('INSERT INTO t VALUES (1)');
    const { checkpoint } = await follow(server, first);
    const wal = join(server.dataDirectory, 'pg_wal');
    await server.stop('immediate');
    execFileSync('cp', ['-a', `${wal}/.`, join(copy, 'pg_wal')]);
    replaceData(server, copy);
    await promote(server, `recovery_target_lsn = '${target}'`);
    await server.query(`CREATE TABLE w AS SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i; CHECKPOINT`);
    assert.equal(await refusal(server, checkpoint), 'history_changed');
    assert.deepEqual((await follow(server, first)).rows, []);
  });
});
