import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changesOf } from '../support/lake/shop.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service } from '../support/trial/service.ts';
import { endsTogether, isLive, othersHoldAll, spareTrial } from '../support/trial/spare.ts';
import type { Trial } from '../support/trial/trial.ts';

// One sink of three says what only a person can mend.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** The spare twin's checkpoint is that of a newer pgveil; or it is as before, where it stood. */
async function setNewer(trial: Trial, isNewer: boolean): Promise<void> {
  const sql = `UPDATE pgveil.checkpoint SET format = format ${isNewer ? '+' : '-'} 100;
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
  await servers.twin.query(sql, { database: new URL(trial.spareUrl).pathname.slice(1) });
}

async function saysWhatToDo(pgveil: Service): Promise<void> {
  const { sinks } = await pgveil.reaches('the halt', (status) => status.sinks.spare?.halt !== undefined);
  const { state, halt } = sinks.spare!;
  assert.deepEqual([state, halt!.code], ['parked', 'newer_checkpoint']);
  assert.match(halt!.fix, /^Run the newer version/);
  const ready = (await pgveil.page('/ready'))!;
  assert.equal(ready.code, 503);
  assert.match(ready.text, /sink spare: halted, newer_checkpoint/);
  assert.match(
    (await pgveil.page('/metrics'))!.text,
    /^pgveil_sink_halted\{sink="spare",code="newer_checkpoint"\} 1$/m,
  );
  assert.match(pgveil.process.output, /"part":"spare","code":"newer_checkpoint","fix":"Run the newer version/);
}

for (const patience of ['0s', '10 minutes']) {
  test(`the others go on, over a restart too, and it is back when it is mended (patience ${patience})`, async () => {
    await using trial = await spareTrial(servers, { patience });
    const changes = await changesOf(trial, 1);
    const first = await trial.stream();
    await changes.transactions(20);
    await setNewer(trial, true);
    await changes.transactions(20);
    await saysWhatToDo(first);
    await othersHoldAll(trial, first);
    await first.stop();

    const caughtUp = await trial.command(['run', '--until-caught-up']);
    assert.equal(caughtUp.code, 3, caughtUp.stdout);
    assert.match(caughtUp.stderr, /newer_checkpoint/);
    await trial.assertEqual();

    const second = await trial.run();
    await saysWhatToDo(second);
    await changes.transactions(20);
    await setNewer(trial, false);
    await second.reaches('spare live', isLive);
    await endsTogether(trial, second);
  });
}

test('at the first start of all it ends with 3, and nothing is made anywhere', async () => {
  await using trial = await spareTrial(servers, { patience: '0s' });
  await servers.twin.query('CREATE TABLE visit ()', { database: new URL(trial.spareUrl).pathname.slice(1) });
  const { code, stderr } = await trial.command(['run']);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /target_exists/);
  await trial.assertNothingMade();
});
