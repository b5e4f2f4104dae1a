import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { Comparer } from '../../../src/core/comparison.ts';
import { ofSink } from '../../../src/core/errors.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { storedCheckpoint } from '../claim.ts';
import { Duck } from '../parquet/duck.ts';
import { asTrouble } from '../trouble.ts';
import { type ComparisonOptions, LakeComparison } from './comparison.ts';
import { ownFolder, removeOwnFolder } from './own-folder.ts';

export interface ComparerOptions extends ComparisonOptions {
  readonly temporary: string;
}

/** Of DuckDB's: beside it are the sums of all rows, and whoever reads the source. */
const MEMORY_MB = 64;

/** One DuckDB for all tables of a lake that are compared: each would take as long to open as a small table takes to read. */
export class LakeComparer implements Comparer {
  readonly #options: ComparerOptions;
  #duck: Promise<Duck> | null = null;

  constructor(options: ComparerOptions) {
    this.#options = options;
  }

  async checkpoint(): Promise<Checkpoint | null> {
    const { name, storage } = this.#options;
    return await storedCheckpoint(storage).catch((error) => {
      throw ofSink(name, error);
    });
  }

  of(table: RedactedTable): LakeComparison {
    return new LakeComparison(this.#options, table, () => this.#open());
  }

  async close(): Promise<void> {
    const duck = await this.#duck?.catch(() => null); // who asked for it was told
    if (!duck) return;
    await duck.close();
    await removeOwnFolder(this.#options.temporary);
  }

  #open(): Promise<Duck> {
    this.#duck ??= this.#make();
    return this.#duck;
  }

  async #make(): Promise<Duck> {
    try {
      return await asTrouble(async () => await Duck.open(await ownFolder(this.#options.temporary), MEMORY_MB));
    } catch (error) {
      throw ofSink(this.#options.name, error);
    }
  }
}
