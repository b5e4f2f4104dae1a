import { PgveilError } from '../../../src/core/errors.ts';
import type { Duck } from '../parquet/duck.ts';
import type { Storage } from '../storage/storage.ts';
import { asTrouble } from '../trouble.ts';
import { type Action, decodeCommit, encodeCommit } from './action.ts';
import { readCheckpoint, writeCheckpoint } from './log-checkpoint.ts';
import { checkpointName, commitName, commitOf, LAST_CHECKPOINT, LOG_FOLDER } from './log-name.ts';
import { Snapshot } from './snapshot.ts';

/** So many commits are read at a time. */
const READ_AHEAD = 16;
/** A start reads no more commits than this. */
const CHECKPOINT_EVERY = 100;
/** Delta's own default (delta.deletedFileRetentionDuration): for so long an older version can be read. */
const TOMBSTONE_MS = 7 * 24 * 3600 * 1000;

/** All that a table of ours uses beyond reader 1 and writer 2. Of what another feature asks for nothing is known here. */
const FEATURES = ['timestampNtz', 'appendOnly', 'invariants'];

/** The log of one Delta table: numbered commits, and now and then a checkpoint that sums them up. */
export class DeltaLog {
  readonly #storage: Storage;
  readonly #duck: Duck;
  readonly #folder: string;

  /** `table` is the table's folder in the storage, without a slash at its end. */
  constructor(storage: Storage, duck: Duck, table: string) {
    this.#storage = storage;
    this.#duck = duck;
    this.#folder = `${table}/${LOG_FOLDER}`;
  }

  /** The table as it is now; of version -1 where there is none. */
  async read(): Promise<Snapshot> {
    const snapshot = (await this.#lastCheckpoint()) ?? new Snapshot();
    const versions = [];
    for await (const { name } of this.#storage.list(`${this.#folder}/`, this.#commit(snapshot.version))) {
      const version = commitOf(name);
      if (version !== null) versions.push(version);
    }
    for await (const [version, actions] of this.readCommits(versions)) this.#take(snapshot, version, actions);
    assertKnown(snapshot, this.#folder);
    return snapshot;
  }

  /** Several versions, in the order that they are asked for. */
  async *readCommits(versions: readonly number[]): AsyncIterable<readonly [number, Action[] | null]> {
    for (let from = 0; from < versions.length; from += READ_AHEAD) {
      const page = versions.slice(from, from + READ_AHEAD);
      const contents = await Promise.all(page.map((version) => this.readCommit(version)));
      for (const [index, actions] of contents.entries()) yield [page[index]!, actions];
    }
  }

  /** The actions of one version; null where it is not there yet. */
  async readCommit(version: number): Promise<Action[] | null> {
    const content = await this.#storage.get(this.#commit(version));
    return content && decodeCommit(content);
  }

  /** False where another writer has made this version. */
  async tryCommit(version: number, actions: readonly Action[]): Promise<boolean> {
    return await this.#storage.putIfAbsent(this.#commit(version), encodeCommit(actions));
  }

  isDue(version: number): boolean {
    return version > 0 && version % CHECKPOINT_EVERY === 0;
  }

  /** Sums the log up, for readers and for the next start. */
  async writeCheckpoint(now: number): Promise<void> {
    const snapshot = await this.read();
    const size = await this.sumUp(snapshot, now);
    const last = { version: snapshot.version, size, numOfAddFiles: snapshot.files.size };
    await this.#storage.put(`${this.#folder}/${LAST_CHECKPOINT}`, Buffer.from(JSON.stringify(last)));
  }

  /** Writes the checkpoint of one version, which need not be the last; gives the number of its actions. */
  async sumUp(snapshot: Snapshot, now: number): Promise<number> {
    const actions = [...snapshot.actions(now - TOMBSTONE_MS)];
    const name = `${this.#folder}/${checkpointName(snapshot.version)}`;
    await writeCheckpoint(this.#duck, actions, (file) => this.#storage.upload(name, file));
    return actions.length;
  }

  /** What a checkpoint says; null where there is none of that version. */
  async readCheckpoint(version: number): Promise<Snapshot | null> {
    const content = await this.#storage.get(`${this.#folder}/${checkpointName(version)}`);
    if (!content) return null; // or in several parts: the commits say the same
    const snapshot = new Snapshot();
    snapshot.apply(version, await asTrouble(() => readCheckpoint(this.#duck, content)));
    return snapshot;
  }

  async #lastCheckpoint(): Promise<Snapshot | null> {
    const last = await this.#storage.get(`${this.#folder}/${LAST_CHECKPOINT}`);
    if (!last) return null;
    const { version } = JSON.parse(last.toString()) as { version: number };
    return await this.readCheckpoint(version);
  }

  #take(snapshot: Snapshot, version: number, actions: Action[] | null): void {
    if (!actions || version !== snapshot.version + 1) {
      throw new PgveilError('lake_failed', `${this.#folder} lacks version ${snapshot.version + 1}`);
    }
    snapshot.apply(version, actions);
  }

  #commit(version: number): string {
    return `${this.#folder}/${version < 0 ? '' : commitName(version)}`;
  }
}

/** Somebody may have switched a feature on: what we then wrote could be read wrongly. */
function assertKnown({ protocol }: Snapshot, folder: string): void {
  if (!protocol) return;
  const { minReaderVersion, minWriterVersion, readerFeatures = [], writerFeatures = [] } = protocol;
  const unknown = [...readerFeatures, ...writerFeatures].filter((feature) => !FEATURES.includes(feature));
  const isKnown = [1, 3].includes(minReaderVersion) && [1, 2, 7].includes(minWriterVersion) && unknown.length === 0;
  if (isKnown) return;
  const asked = unknown.join(', ') || `reader ${minReaderVersion}, writer ${minWriterVersion}`;
  throw new PgveilError('lake_failed', `${folder} asks for what pgveil does not write: ${asked}`);
}
