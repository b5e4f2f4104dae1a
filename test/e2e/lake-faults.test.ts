import { after, describe, test } from 'node:test';
import { type Fault, LAKE_FAULTS } from '../../src/core/fault.ts';
import { assertBothEqual } from '../support/lake/lake.ts';
import { changesOf, SETUP, tables } from '../support/lake/shop.ts';
import { freePort } from '../support/postgres/ready.ts';
import { Servers } from '../support/trial/servers.ts';
import { writeUntilDead } from '../support/trial/write-until-dead.ts';

// A twin and a lake in a folder, fed by one pipeline that is killed, and by one that another instance takes over from.

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

describe('kill -9 while both are fed', () => {
  const OTHERS: readonly Fault[] = ['chunk committed', 'table attached', 'after the commit', 'before the ack'];
  for (const [at, fault] of [...LAKE_FAULTS, ...OTHERS].entries()) {
    test(`at "${fault}": nothing is lost, nothing is there twice`, async () => {
      await using trial = await servers.trial(SETUP, tables, { memory: '16MB', lake: {} });
      const changes = await changesOf(trial, at);
      // In the copy first, and then where it happens again and again, so that there is something to lose.
      await writeUntilDead(changes, await trial.run({ fault: `${fault}:1` }));
      if (isRepeated(fault)) await writeUntilDead(changes, await trial.run({ fault: `${fault}:4` }));
      const pgveil = await trial.run();
      await changes.transactions(300);
      await pgveil.isReady();
      await trial.holdsAll(pgveil);
      await pgveil.stop();
      await assertBothEqual(trial);
    });
  }
});

describe('a zombie', () => {
  for (const fault of ['before a file', 'before the log', 'before the swap'] as const) {
    test(`that was held at "${fault}" writes nothing when it wakes up after another one took over`, async () => {
      await using trial = await servers.trial(SETUP, tables, { lake: {} });
      const changes = await changesOf(trial, 7);
      const zombie = await trial.run({ fault: `${fault}:6:SIGSTOP` });
      while (!(await zombie.isHeld())) await changes.transaction(20);
      await trial.source.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'pgveil%'`);
      const heir = await trial.run({ port: await freePort() });
      await heir.isReady();
      await changes.transactions(200);
      await trial.holdsAll(heir);
      await assertBothEqual(trial);

      zombie.process.kill('SIGCONT');
      await zombie.process.waitForOutput(/fenced|another instance|source_away|slot_in_use|twin_away/);
      await changes.transactions(200);
      await trial.holdsAll(heir);
      await heir.stop();
      await assertBothEqual(trial);
    });
  }
});

function isRepeated(fault: Fault): boolean {
  return (LAKE_FAULTS as readonly Fault[]).includes(fault) || /commit$|ack$/.test(fault);
}
