import { PgveilError } from '../../../src/core/errors.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Action, Add, MetaData } from './action.ts';
import { isMaintenance } from './commit-info.ts';
import type { DeltaLog } from './log.ts';

/**
 * A writer that knew no more than this would not see that versions behind its own were made and swept up by a vacuum, which leaves them for
 * a day: their numbers would look free.
 */
const STALE_MS = 12 * 3600 * 1000;

/**
 * One Delta table as its one writer knows it. Commits build on the version that was read at `open`: whatever else came into the log since
 * is either maintenance, which changes no row, or another instance, and then nothing that we hold is worth anything.
 */
export class DeltaTable {
  readonly #log: DeltaLog;
  readonly #appId: string;
  #version: number;
  #metaData: MetaData | null;
  #position: bigint | null;
  /** When `version` was the last, in milliseconds since 1970. */
  #seen = Date.now();

  private constructor(
    log: DeltaLog,
    appId: string,
    version: number,
    metaData: MetaData | null,
    position: bigint | null,
  ) {
    this.#log = log;
    this.#appId = appId;
    this.#version = version;
    this.#metaData = metaData;
    this.#position = position;
  }

  /** `appId` names the writer in the log. */
  static async open(log: DeltaLog, appId: string): Promise<DeltaTable> {
    const { version, metaData, txns } = await log.head();
    return new DeltaTable(log, appId, version, metaData, txns.get(appId) ?? null);
  }

  /** Null where there is no table yet. */
  get metaData(): MetaData | null {
    return this.#metaData;
  }

  /** How far this writer has come, by its last `txn`; null where it never wrote. */
  get position(): bigint | null {
    return this.#position;
  }

  /** The table's files, up to the version that the next commit builds on. */
  async files(): Promise<Add[]> {
    for (;;) {
      const snapshot = await this.#log.read();
      await this.#follow(snapshot.version);
      if (snapshot.version === this.#version) return [...snapshot.files.values()];
    }
  }

  /** Makes the next version. `make` is asked again where maintenance was faster. Rejects with `fenced`. */
  async commit(make: () => readonly Action[] | Promise<readonly Action[]>): Promise<void> {
    for (;;) {
      if (Date.now() - this.#seen > STALE_MS) await this.#catchUp(); // first: what is made builds on the version
      const actions = await make();
      reach('before the log');
      if (await this.#log.tryCommit(this.#version + 1, actions)) return await this.#done(actions);
      await this.#follow(this.#version + 1);
    }
  }

  async #done(actions: readonly Action[]): Promise<void> {
    reach('after the log');
    this.#version++;
    this.#seen = Date.now();
    for (const { metaData, txn } of actions) {
      if (metaData) this.#metaData = metaData;
      if (txn?.appId === this.#appId) this.#position = txn.version;
    }
    if (!this.#log.isDue(this.#version)) return;
    // Only readers wait longer without one, and the next is a hundred commits away.
    await this.#log.writeCheckpoint(Date.now()).catch(() => {});
  }

  /** Reads the log anew, of which parts may be gone. Whoever wrote rows since told a position. */
  async #catchUp(): Promise<void> {
    const seen = Date.now();
    const { version, txns, metaData } = await this.#log.head();
    const isOurs = txns.get(this.#appId) === (this.#position ?? undefined);
    if (!isOurs || metaData?.schemaString !== this.#metaData?.schemaString) throw overtaken();
    this.#version = version;
    this.#seen = seen;
  }

  /** Takes in what others committed up to `version`. */
  async #follow(version: number): Promise<void> {
    while (this.#version < version) {
      const actions = await this.#log.readCommit(this.#version + 1);
      if (!actions || !isMaintenance(actions)) {
        throw overtaken();
      }
      this.#version++;
    }
  }
}

function overtaken(): PgveilError {
  return new PgveilError('fenced', 'another instance, or somebody else, wrote rows into a table of the lake');
}
