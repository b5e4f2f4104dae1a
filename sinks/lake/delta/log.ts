import { PgveilError } from '../../../src/core/errors.ts';
import type { Duck } from '../parquet/duck.ts';
import type { Storage } from '../storage/storage.ts';
import { asTrouble } from '../trouble.ts';
import { type Action, decodeCommit, encodeCommit } from './action.ts';
import { type Part, readCheckpoint, writeCheckpoint } from './log-checkpoint.ts';
import { checkpointName, commitName, commitOf, LAST_CHECKPOINT, LOG_FOLDER } from './log-name.ts';
import { Snapshot } from './snapshot.ts';

/** So many commits are read at a time. */
const READ_AHEAD = 16;
/** A start reads no more commits than this. */
const CHECKPOINT_EVERY = 100;
/** Delta's own default (delta.deletedFileRetentionDuration): for so long an older version can be read. */
const TOMBSTONE_MS = 7 * 24 * 3600 * 1000;

/** All that a table of ours uses beyond reader 1 and writer 2. Of what another feature asks for nothing is known here. */
const KNOWN_FEATURES = ['timestampNtz', 'appendOnly', 'invariants'];

/** What a checkpoint sums up. */
interface Summed {
  readonly version: number;
  readonly actions: number;
  readonly files: number;
}

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
    return await this.#read('all');
  }

  /** The same without its files: those of a large table do not fit into the memory of a service. */
  async head(): Promise<Omit<Snapshot, 'files' | 'tombstones'>> {
    return await this.#read('head');
  }

  /** Several versions, in the order that they are asked for. */
  async *readCommits(versions: readonly number[]): AsyncIterable<readonly [number, Action[] | null]> {
    for await (const [version, content] of this.#contents(versions)) yield [version, content && decodeCommit(content)];
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
    const summed = await this.sumUp((await this.#lastCheckpoint()) ?? -1, null, now);
    const last = { version: summed.version, size: summed.actions, numOfAddFiles: summed.files };
    await this.#storage.put(`${this.#folder}/${LAST_CHECKPOINT}`, Buffer.from(JSON.stringify(last)));
  }

  /** Writes the checkpoint of version `to`, null: of the last. It builds on the one of `from`, -1: on none. */
  async sumUp(from: number, to: number | null, now: number): Promise<Summed> {
    const checkpoint = await this.#checkpoint(from);
    let version = checkpoint ? from : -1;
    const behind = this.#behind(version, to);
    const commits = (async function* () {
      for await (const commit of behind) {
        version = commit[0];
        yield commit;
      }
    })();
    let summed: Summed | undefined;
    await writeCheckpoint(this.#duck, { checkpoint, commits }, now - TOMBSTONE_MS, async (file) => {
      const head = new Snapshot();
      head.apply(version, file.head);
      assertKnown(head, this.#folder);
      await this.#storage.upload(`${this.#folder}/${checkpointName(version)}`, file.path);
      summed = { version, actions: file.actions, files: file.files };
    });
    return summed!;
  }

  /** What a checkpoint says; null where there is none of that version. */
  async readCheckpoint(version: number, part: Part = 'all'): Promise<Snapshot | null> {
    const content = await this.#checkpoint(version);
    if (!content) return null;
    const snapshot = new Snapshot();
    snapshot.apply(version, await asTrouble(() => readCheckpoint(this.#duck, content, part)));
    return snapshot;
  }

  async #read(part: Part): Promise<Snapshot> {
    const last = await this.#lastCheckpoint();
    const snapshot = (last !== null && (await this.readCheckpoint(last, part))) || new Snapshot();
    for await (const [version, content] of this.#behind(snapshot.version, null)) {
      const actions = decodeCommit(content);
      snapshot.apply(version, part === 'all' ? actions : actions.filter(({ add, remove }) => !add && !remove));
    }
    assertKnown(snapshot, this.#folder);
    return snapshot;
  }

  /** All commits behind a version, up to another one or to the last. Rejects with `lake_failed` where one is missing. */
  async *#behind(from: number, to: number | null): AsyncIterable<readonly [number, Buffer]> {
    const versions = [];
    for await (const { name } of this.#storage.list(`${this.#folder}/`, this.#commit(from))) {
      const version = commitOf(name);
      if (version !== null && version <= (to ?? version)) versions.push(version);
    }
    let last = from;
    for await (const [version, content] of this.#contents(versions)) {
      last++;
      if (!content || version !== last) throw new PgveilError('lake_failed', `${this.#folder} lacks version ${last}`);
      yield [version, content];
    }
  }

  async *#contents(versions: readonly number[]): AsyncIterable<readonly [number, Buffer | null]> {
    for (let from = 0; from < versions.length; from += READ_AHEAD) {
      const page = versions.slice(from, from + READ_AHEAD);
      const contents = await Promise.all(page.map((version) => this.#storage.get(this.#commit(version))));
      for (const [index, content] of contents.entries()) yield [page[index]!, content];
    }
  }

  /** The version that the last checkpoint sums up. */
  async #lastCheckpoint(): Promise<number | null> {
    const last = await this.#storage.get(`${this.#folder}/${LAST_CHECKPOINT}`);
    return last && (JSON.parse(last.toString()) as { version: number }).version;
  }

  /** Null where it is not there, or in several parts: the commits say the same. */
  async #checkpoint(version: number): Promise<Buffer | null> {
    return version < 0 ? null : await this.#storage.get(`${this.#folder}/${checkpointName(version)}`);
  }

  #commit(version: number): string {
    return `${this.#folder}/${version < 0 ? '' : commitName(version)}`;
  }
}

/** DROP FEATURE without TRUNCATE HISTORY leaves another feature in its place, checkpointProtection. */
const UNKNOWN_FIX =
  'Take it out of the table with the engine that switched it on (ALTER TABLE … DROP FEATURE … TRUNCATE HISTORY). Or stop pgveil, delete the table’s folder, and start it with `--recopy TABLE`: the table is copied anew.';

/** Somebody may have switched a feature on: what we then wrote could be read wrongly. */
function assertKnown({ protocol }: Pick<Snapshot, 'protocol'>, folder: string): void {
  if (!protocol) return;
  const { minReaderVersion, minWriterVersion, readerFeatures = [], writerFeatures = [] } = protocol;
  const unknown = [...readerFeatures, ...writerFeatures].filter((feature) => !KNOWN_FEATURES.includes(feature));
  const isKnown = [1, 3].includes(minReaderVersion) && [1, 2, 7].includes(minWriterVersion) && unknown.length === 0;
  if (isKnown) return;
  const asked = unknown.join(', ') || `reader ${minReaderVersion}, writer ${minWriterVersion}`;
  throw new PgveilError('lake_failed', `${folder} asks for what pgveil does not write: ${asked}`, { fix: UNKNOWN_FIX });
}
