import { rm } from 'node:fs/promises';
import { parseTableName } from '../../../src/core/table-name.ts';
import { pathPart } from '../columns/field-name.ts';
import type { Add } from '../delta/action.ts';
import { DeltaLog } from '../delta/log.ts';
import type { Duck } from '../parquet/duck.ts';
import type { Storage } from '../storage/storage.ts';
import { asTrouble } from '../trouble.ts';
import { LocalCopies } from './local-copy.ts';

const HOUR_MS = 3600 * 1000;
/** A file in no version that is older than this belongs to nobody any more. */
export const ORPHAN_MS = 24 * HOUR_MS;
/** Whoever made files must have committed them by then: well before somebody takes them for nobody's. */
export const COMMIT_WITHIN_MS = 12 * HOUR_MS;

/** What is needed for work on a lake. */
export interface Workshop {
  readonly storage: Storage;
  readonly duck: Duck;
  /** Told now and then what is being done: one line, without a value. */
  readonly progress: (what: string) => void;
}

/** A table of the lake that is looked after, while the pipeline writes to it or not. */
export class Tended {
  /** As the configuration writes it. */
  readonly name: string;
  /** Its folder in the storage. */
  readonly path: string;
  readonly log: DeltaLog;
  readonly workshop: Workshop;
  readonly #copies: LocalCopies;

  constructor(workshop: Workshop, name: string) {
    const { schema, relation } = parseTableName(name);
    this.name = name;
    this.path = `${pathPart(schema)}/${pathPart(relation)}`;
    this.log = new DeltaLog(workshop.storage, workshop.duck, this.path);
    this.workshop = workshop;
    this.#copies = new LocalCopies(workshop.storage, workshop.duck);
  }

  say(what: string): void {
    this.workshop.progress(`${this.name}: ${what}`);
  }

  /** Hands a copy of a file on this machine to `work`; with `columns` only they can be read. */
  async local<T>(add: Add, columns: readonly string[] | null, work: (path: string) => Promise<T>): Promise<T> {
    return await this.#withCopies([add], columns, ([path]) => work(path!));
  }

  /** Copies of all of them at once. */
  async locals<T>(adds: readonly Add[], work: (paths: readonly string[]) => Promise<T>): Promise<T> {
    return await this.#withCopies(adds, null, work);
  }

  /** Removes files of no version. */
  async discard(adds: readonly Add[]): Promise<void> {
    await Promise.allSettled(adds.map((add) => this.workshop.storage.delete(this.#nameOf(add))));
  }

  async #withCopies<T>(
    adds: readonly Add[],
    columns: readonly string[] | null,
    work: (paths: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const paths: string[] = [];
    try {
      for (const add of adds) paths.push(await this.#copies.bring(this.#nameOf(add), add.size, columns));
      return await asTrouble(() => work(paths));
    } finally {
      await Promise.all(paths.map((path) => rm(path, { force: true })));
    }
  }

  #nameOf({ path }: Add): string {
    return `${this.path}/${decodeURIComponent(path)}`;
  }
}
