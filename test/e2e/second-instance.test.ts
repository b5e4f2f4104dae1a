import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { freePort } from '../support/postgres/ready.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 2000) i`;
const tables = { 'public.t': { columns: { id: 'keep', v: 'hash' } } } as const;

/** It listens on a port of its own and says that it waits. */
async function waits(service: Service): Promise<void> {
  await until(
    async () => {
      const page = await service.page('/ready');
      return page?.code === 503 && page.text.includes('waiting: another instance');
    },
    { what: () => `the second instance to wait; ${service.lastWords()}` },
  );
}

/** As TCP keepalive makes the source do when a host is gone. Of a process that is only held the kernel still answers, and the source takes a minute. */
async function loseSource({ source }: Trial): Promise<void> {
  await source.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'pgveil%'`);
}

describe('a second instance', () => {
  test('waits, says so, and takes over when the first one is killed', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const first = await trial.stream();
    const second = await trial.run({ port: await freePort() });
    await waits(second);
    assert.equal(JSON.parse((await second.page('/status'))!.text).waiting.for, 'instance');
    assert.match((await second.page('/metrics'))!.text, /^pgveil_waiting 1$/m);
    await trial.source.query(`UPDATE t SET v = 'first' WHERE id < 100`);
    await trial.holdsAll(first);
    await waits(second);

    await first.kill();
    await trial.source.query(`UPDATE t SET v = 'second' WHERE id > 1900`);
    await second.isReady();
    await trial.holdsAll(second);
    await trial.assertEqual();
  });

  test('takes over on the same port when the first one is asked to stop', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const first = await trial.stream();
    const second = await trial.run();
    await second.process.waitForOutput(/wait/);
    await trial.source.query('DELETE FROM t WHERE id < 100');
    await first.stop();
    await trial.source.query('DELETE FROM t WHERE id > 1900');
    await second.isReady();
    await trial.holdsAll(second);
    await trial.assertEqual();
  });

  test('takes over within minutes from one that is held, which waits for it when it wakes up', async () => {
    await using trial = await servers.trial(SETUP, tables);
    const held = await trial.stream();
    const heir = await trial.run({ port: await freePort() });
    await heir.process.waitForOutput(/waiting: another instance of this pipeline to end \(pid \d+ on the source/);
    held.process.kill('SIGSTOP');
    await trial.source.query(`UPDATE t SET v = 'by the heir'`);
    await heir.isReady();
    await trial.holdsAll(heir);

    held.process.kill('SIGCONT');
    await held.process.waitForOutput(/waiting: another instance of this pipeline to end/);
    await trial.source.query('DELETE FROM t WHERE id % 3 = 0');
    await trial.holdsAll(heir);
    await trial.assertEqual();
    assert.ok(held.isRunning && heir.isRunning);
  });

  test('of --until-caught-up gives up after its --timeout with 1', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await trial.stream();
    const { code } = await trial.command(['run', '--until-caught-up', '--timeout', '2s']);
    assert.equal(code, 1);
  });

  for (const fault of ['inside a chunk', 'chunk committed', 'before the commit', 'after the commit'] as const) {
    test(`a zombie held at "${fault}" writes nothing when it wakes up after another one took over`, async () => {
      await using trial = await servers.trial(SETUP, tables);
      const zombie = await trial.run({ fault: `${fault}:1:SIGSTOP` });
      // The stream needs changes to commit; the copy has its own.
      for (let id = 10_000; !(await zombie.isHeld()); id++)
        await trial.source.query(`INSERT INTO t VALUES ($1, 'late')`, [id]);

      await loseSource(trial);
      const heir = await trial.run({ port: await freePort() });
      await heir.isReady();
      await trial.source.query(`UPDATE t SET v = 'by the heir'`);
      await trial.source.query('DELETE FROM t WHERE id % 3 = 0');
      await trial.holdsAll(heir);
      await trial.assertEqual();

      zombie.process.kill('SIGCONT');
      await zombie.process.waitForOutput(/fenced|another instance|source_away|slot_in_use|twin_away/);
      await trial.source.query('UPDATE t SET id = -id');
      await trial.holdsAll(heir);
      await trial.assertEqual();
      assert.ok(heir.isRunning);
    });
  }
});
