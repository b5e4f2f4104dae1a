import { PgveilError } from '../../../src/core/errors.ts';
import { canonicalTableName } from '../../../src/core/table-name.ts';
import { storedCheckpoint, storedEpoch } from '../claim.ts';
import { Duck, literal } from '../parquet/duck.ts';
import type { Storage } from '../storage/storage.ts';
import { type Compacted, compact } from './compact.ts';
import { type Folded, fold } from './fold.ts';
import { latestQuery } from './latest.ts';
import { ownFolder, removeOwnFolder } from './own-folder.ts';
import { fieldsOf } from './shape.ts';
import { ORPHAN_MS, Tended } from './tended.ts';
import { assertErasable, type Receipt, type VacuumOptions, vacuum } from './vacuum.ts';
import { type Verified, verify } from './verify.ts';

export interface Lake {
  readonly storage: Storage;
  /** Where others find it: a path or a URL, without a slash at its end. */
  readonly url: string;
  /** A path for files on their way; what is made begins with it. */
  readonly temporary: string;
}

export type Progress = (what: string) => void;

/** A table's files, and what was left out of it before they were put together. */
export interface Tidied extends Compacted {
  /** Null where every row stays. */
  readonly folded: Folded | null;
}

/** Looks after a lake, while its pipeline writes to it or not. Tables are named as the configuration writes them; none named: all there are. */
export class Caretaker {
  readonly #lake: Lake;

  constructor(lake: Lake) {
    this.#lake = lake;
  }

  /** `latest`: of each row its latest state alone is kept. */
  async compact(tables: readonly string[], latest: boolean, progress: Progress): Promise<Tidied[]> {
    return await this.#each(tables, progress, async (table) => {
      const folded = latest ? await fold(table, { before: Number.POSITIVE_INFINITY, dryRun: false }) : null;
      return { ...(await compact(table)), folded };
    });
  }

  /** Rejects with `command_line` where older versions would hold for longer what is to be erased. */
  async vacuum(tables: readonly string[], options: VacuumOptions, progress: Progress): Promise<Receipt[]> {
    assertErasable(options.keepMs, options.eraseMs);
    const { storage } = this.#lake;
    const epoch = await storedEpoch(storage);
    if (!options.dryRun) await storage.sweep(options.now - ORPHAN_MS);
    return await this.#each(tables, progress, (table) => vacuum(table, epoch, options));
  }

  async verify(tables: readonly string[], progress: Progress): Promise<Verified[]> {
    const checkpoint = await storedCheckpoint(this.#lake.storage);
    return await this.#each(tables, progress, (table) => verify(table, checkpoint));
  }

  /** DuckDB's SQL for the latest state of each row. */
  async query(name: string): Promise<string> {
    const [query] = await this.#each(
      [name],
      () => {},
      async (table) => {
        const { metaData } = await table.log.read();
        if (!metaData)
          throw new PgveilError('command_line', 'the lake does not have this table yet', { fix: 'Wait for its copy.' });
        return latestQuery(fieldsOf(metaData), `delta_scan(${literal(`${this.#lake.url}/${table.path}`)})`);
      },
    );
    return query!;
  }

  async #each<T>(asked: readonly string[], progress: Progress, work: (table: Tended) => Promise<T>): Promise<T[]> {
    const { storage, temporary } = this.#lake;
    const names = namesOf(asked, [...((await storedCheckpoint(storage))?.tables.keys() ?? [])]);
    const duck = await Duck.open(await ownFolder(temporary));
    try {
      const done: T[] = [];
      for (const name of names) done.push(await work(new Tended({ storage, duck, progress }, name)));
      return done;
    } finally {
      await duck.close();
      await removeOwnFolder(temporary);
    }
  }
}

/** Those that were asked for, of all that the pipeline ever had; a table that it has no longer lies there as well. */
function namesOf(asked: readonly string[], known: readonly string[]): readonly string[] {
  if (asked.length === 0) return known;
  return asked.map((written) => {
    const name = known.find((one) => one === written || one === canonicalTableName(written));
    if (name !== undefined) return name;
    throw new PgveilError('command_line', 'a table is named that is not in the lake', {
      fix: `Write it as in \`tables\`, in quotes for the shell. There is: ${known.join(', ') || 'none yet'}.`,
    });
  });
}
