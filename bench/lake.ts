// How fast redacted rows become committed files of a lake in a folder. Our clock runs from the first batch that the sink is given to the
// end of the last flush: texts become columns and columns files, which are copied into the folder, made durable and committed. The
// reference has the very same rows, with all columns of ours, typed and in DuckDB's memory, and only has to write them: by one thread, as
// the sink's DuckDB has no more (beside it our event loop turns texts into columns), and, told beside it, by all cores.
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LakeSink } from '../sinks/lake/sink.ts';
import { FolderStorage } from '../sinks/lake/storage/folder.ts';
import type { Bench } from './bench.ts';
import { cpuPer, cpuTimes } from './cpu.ts';
import { type Figures, inTurns, perSecond } from './figures.ts';
import { LakePlace } from './lake-place.ts';
import { type Insert, inserts, render } from './lake-rows.ts';

const ROWS = 500_000;
/** For a lane, which is not there: see `write`. */
const FLUSH = { bytes: 0, everyMs: 0 };
/** What was written becomes durable so often, while more is written. */
const ROWS_PER_FLUSH = 200_000;

export const lake: Bench<LakePlace> = {
  unit: 'rows/s',
  reference:
    "DuckDB's own COPY … TO parquet of the same rows and columns, zstd, from a typed table in its memory, one thread",
  place: { inWords: 'a folder of this machine', start: () => LakePlace.start() },

  async prepare(place, scale) {
    place.rows = render(rowsAt(scale));
    const first = await place.emptyFolder();
    await write(first, inserts(place.rows));
    await place.takeRows(first);
    await rm(first, { recursive: true });
  },

  async measure(place, scale, run) {
    const turns = {
      ours: async () => {
        const folder = await place.emptyFolder();
        const figures = await measured(rowsAt(scale), () => write(folder, inserts(place.rows)));
        await place.assertSame(folder);
        await rm(folder, { recursive: true });
        return figures;
      },
      reference: async () => {
        const byAll = await measured(rowsAt(scale), () => place.copyRows(availableParallelism()));
        const byOne = await measured(rowsAt(scale), () => place.copyRows(1));
        return { ...byOne, rows_on_all_cores: byAll.rows! };
      },
    };
    return await inTurns(run, (side) => turns[side]());
  },

  headline: ({ rows }) => rows!,
};

function rowsAt(scale: number): number {
  return Math.ceil(ROWS * scale);
}

async function measured(rows: number, work: () => Promise<void>): Promise<Figures> {
  const process_ = { process: [process.pid] };
  const usedBefore = await cpuTimes(process_);
  const start = performance.now();
  await work();
  const took = performance.now() - start;
  return { rows: perSecond(rows, took), cpu_us_per_row: cpuPer(rows, usedBefore, await cpuTimes(process_)) };
}

/** As a lane does: a flush is under way while the next batches are written. */
async function write(folder: string, batches: Iterable<Insert>): Promise<void> {
  const temporary = join(folder, '_temporary');
  const sink = new LakeSink({
    pipeline: 'bench',
    storage: new FolderStorage(folder),
    temporary,
    flush: FLUSH,
    timestamps: 'timestamp_ntz',
  });
  await sink.open(new AbortController().signal);
  let [unflushed, last, flushing]: [number, Insert | null, Promise<void>] = [0, null, Promise.resolve()];
  for (const batch of batches) {
    await sink.write(batch);
    unflushed += batch.changes.length;
    last = batch;
    if (unflushed < ROWS_PER_FLUSH) continue;
    await flushing;
    flushing = sink.flush(batch.position);
    [unflushed, last] = [0, null];
  }
  await flushing;
  if (last) await sink.flush(last.position);
  await sink.close();
}
