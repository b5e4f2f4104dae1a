import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyData, replaceData } from '../support/postgres/data.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';

// A twin that was restored from a physical backup: the slot has passed what it holds.

const tables = { 'public.t': { columns: { id: 'keep', v: 'keep' } } } as const;
const SETUP = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i";

async function write({ source }: Trial, number: number): Promise<void> {
  await source.query(`UPDATE t SET v = 'changed ' || ${number} WHERE id = ${number};
    DELETE FROM t WHERE id = 50 + ${number}; INSERT INTO t VALUES (100 + ${number}, 'new')`);
}

/** Writes, and applies it in all sinks. */
async function advance(trial: Trial, number: number): Promise<void> {
  await write(trial, number);
  await trial.catchUp();
}

for (const lake of [false, true]) {
  test(`a twin restored to an earlier state ${lake ? 'beside a lake ' : ''}is copied again by itself`, async () => {
    await using servers = await Servers.start();
    await using trial = await servers.trial(SETUP, tables, lake ? { lake: {} } : {});
    await advance(trial, 1);
    await servers.twin.stop();
    const earlier = copyData(servers.twin);
    await servers.twin.start();
    await advance(trial, 2);
    await servers.twin.stop();
    replaceData(servers.twin, earlier);
    await servers.twin.start();
    await trial.reconnect();
    await write(trial, 3);

    const source = { ...(trial.configuration().source as object), on_gap: 'halt' };
    const held = await trial.write({ ...trial.configuration(), source }, 'held.yaml');
    const refused = await trial.pgveil(['run', '--until-caught-up', '-c', held]);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.match(refused.stdout + refused.stderr, /gap_held/);

    const { code, stdout, stderr } = await trial.command(['run', '--until-caught-up']);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /"copy started"/);
    await trial.assertEqual();
  });
}
