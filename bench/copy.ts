// How fast a table is copied. Our clock starts when pgveil makes its slot, the first thing of a copy, and stops when all rows are
// visible to a reader of the twin, with the key built and the table analysed. The reference's runs as long as its pipe does, the
// few milliseconds included that a psql takes to start.
import type { Bench } from './bench.ts';
import { cpuPer, cpuTimes } from './cpu.ts';
import { type Figures, inTurns, perSecond } from './figures.ts';
import { Pgveil } from './ours.ts';
import { pipeCopy } from './pipe.ts';
import { assertSame, finds, seen } from './seen.ts';
import { SERVERS, type Servers } from './servers.ts';
import { fill, TABLE } from './workload.ts';

const ROWS = 500_000;

export const copy: Bench = {
  unit: 'rows/s',
  reference: 'COPY TO STDOUT piped into COPY FROM STDIN, into a plain table with its primary key, nothing redacted',
  place: SERVERS,

  async prepare(servers, scale) {
    await servers.renew('source');
    await servers.query('source', TABLE);
    await fill(servers, rowsAt(scale));
  },

  async measure(servers, scale, run) {
    await servers.renew('ours', 'reference');
    await servers.query('reference', TABLE);
    const turns = { ours: copyByPgveil, reference: copyByPipe };
    return await inTurns(run, async (side) => {
      await servers.checkpoint();
      const figures = await turns[side](servers, rowsAt(scale));
      await assertSame(servers, side);
      return figures;
    });
  },

  headline: ({ rows }) => rows!,
};

function rowsAt(scale: number): number {
  return Math.ceil(ROWS * scale);
}

async function copyByPgveil(servers: Servers, rows: number): Promise<Figures> {
  const pgveil = new Pgveil(servers);
  await using source = await servers.connect('source');
  await using twin = await servers.connect('ours');
  await pgveil.start('--until-caught-up');
  const process = { process: [pgveil.pid] };
  const start = await seen('pgveil to make its slot', async () => {
    pgveil.assertRunning();
    return await finds(source, 'SELECT FROM pg_replication_slots');
  });
  const usedBefore = await cpuTimes(process);
  const end = await seen('the copy of the table to be visible', async () => {
    pgveil.assertRunning();
    return await finds(twin, "SELECT WHERE to_regclass('customers') IS NOT NULL");
  });
  const usedByAll = await cpuTimes(process);
  await pgveil.ended();
  return { rows: perSecond(rows, end - start), cpu_us_per_row: cpuPer(rows, usedBefore, usedByAll) };
}

async function copyByPipe(servers: Servers, rows: number): Promise<Figures> {
  const start = performance.now();
  await pipeCopy(servers.url('source'), servers.url('reference'), 'customers');
  return { rows: perSecond(rows, performance.now() - start) };
}
