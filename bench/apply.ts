// How fast a backlog of WAL is applied. The WAL is written while nobody follows; then one side after the other is let loose on it.
// The clock of a side starts when the source begins to send to it (its slot is active), so that no start of a process counts and
// everything else does, and stops when the last change is visible to a reader of its table.
import type { Bench } from './bench.ts';
import { cpuPer, cpuTimes } from './cpu.ts';
import { type Figures, inTurns, perSecond } from './figures.ts';
import { type Follower, sending, visible } from './follower.ts';
import { NativeSubscription } from './native.ts';
import { Pgveil } from './ours.ts';
import { assertSame } from './seen.ts';
import { SERVERS, type Servers } from './servers.ts';
import { LAST_BALANCE, lastUpdated, type Mix, mixOf, TABLE, writeMix } from './workload.ts';

export const apply: Bench = {
  unit: 'changes/s',
  reference: "Postgres's own subscription with its defaults, into a plain table, nothing redacted",
  place: SERVERS,
  prepare: async () => {},

  async measure(servers, scale, run) {
    const mix = mixOf(scale);
    const sides = { ours: new Pgveil(servers), reference: new NativeSubscription(servers) };
    await servers.renew('source', 'ours', 'reference');
    await servers.query('source', TABLE);
    await sides.ours.prepare();
    await sides.reference.prepare();
    await writeMix(servers, mix);
    return await inTurns(run, (side) => drain(servers, sides[side], mix));
  },

  headline: ({ changes }) => changes!,
};

async function drain(servers: Servers, follower: Follower, mix: Mix): Promise<Figures> {
  await servers.checkpoint();
  await follower.start();
  const start = await sending(servers, follower);
  const processes = await follower.processes();
  const usedBefore = await cpuTimes(processes);
  const inserted = await visible(servers, follower, mix.inserts);
  const usedByInserts = await cpuTimes(processes);
  const updated = await visible(servers, follower, lastUpdated(mix), LAST_BALANCE);
  const usedByAll = await cpuTimes(processes);
  await assertSame(servers, follower.database);
  await follower.stop();
  return {
    changes: perSecond(mix.inserts + mix.updates, updated - start),
    inserts: perSecond(mix.inserts, inserted - start),
    updates: perSecond(mix.updates, updated - inserted),
    cpu_us_per_insert: cpuPer(mix.inserts, usedBefore, usedByInserts),
    cpu_us_per_update: cpuPer(mix.updates, usedByInserts, usedByAll),
  };
}
