import { PgveilError } from '../../../src/core/errors.ts';
import type { Action } from '../delta/action.ts';
import { checkpointOf, commitOf, LOG_FOLDER } from '../delta/log-name.ts';
import { Snapshot } from '../delta/snapshot.ts';
import type { Tended } from './tended.ts';

/** All that is left of a table's log. */
export class LogHistory {
  readonly #table: Tended;
  /** In their order. */
  readonly commits: readonly number[];
  readonly checkpoints: readonly number[];

  private constructor(table: Tended, commits: readonly number[], checkpoints: readonly number[]) {
    this.#table = table;
    this.commits = commits;
    this.checkpoints = checkpoints;
  }

  static async open(table: Tended): Promise<LogHistory> {
    const [commits, checkpoints]: [number[], number[]] = [[], []];
    for await (const { name } of table.workshop.storage.list(`${table.path}/${LOG_FOLDER}/`)) {
      const [commit, checkpoint] = [commitOf(name), checkpointOf(name)];
      if (commit !== null) commits.push(commit);
      if (checkpoint !== null) checkpoints.push(checkpoint);
    }
    return new LogHistory(table, commits, checkpoints);
  }

  /** Before the first commit, or where that is gone the oldest checkpoint from which the commits lead on. */
  async start(): Promise<Snapshot> {
    if (this.commits[0] === 0 || this.checkpoints.length === 0) return new Snapshot();
    const followed = this.checkpoints.find((version) => this.commits.includes(version + 1));
    const oldest = followed ?? this.checkpoints.at(-1)!;
    const found = await this.#table.log.readCheckpoint(oldest);
    if (!found) throw this.#lacks(oldest);
    return found;
  }

  /** Every version behind this one. Rejects with `lake_failed` where one is missing. */
  async *behind(version: number): AsyncIterable<readonly [number, readonly Action[]]> {
    const versions = this.commits.filter((commit) => commit > version);
    for await (const [found, actions] of this.#table.log.readCommits(versions)) {
      version++;
      if (!actions || found !== version) throw this.#lacks(version);
      yield [version, actions];
    }
  }

  #lacks(version: number): PgveilError {
    return new PgveilError('lake_failed', `the log of ${this.#table.name} lacks version ${version}`);
  }
}
