import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LakeConfig } from '../../config/config.ts';
import type { Checkpoint } from '../../src/core/checkpoint.ts';
import type { Comparer } from '../../src/core/comparison.ts';
import { type Finding, ofSink } from '../../src/core/errors.ts';
import type { Remains, Target } from '../../src/core/target.ts';
import { Caretaker } from './care/caretaker.ts';
import { LakeComparer } from './care/comparer.ts';
import { checkLake } from './check.ts';
import { storedCheckpoint } from './claim.ts';
import { isReserved } from './columns/lake-table.ts';
import { dropLake, findTables } from './drop.ts';
import { LakeSink } from './sink.ts';
import { FolderStorage } from './storage/folder.ts';
import { S3Storage } from './storage/s3.ts';
import type { Storage } from './storage/storage.ts';

/** A lake as the configuration describes it, of one pipeline. */
export interface LakeSettings extends LakeConfig {
  readonly pipeline: string;
}

/** A lake as the commands see it. */
export class LakeTarget implements Target {
  readonly #settings: LakeSettings;
  readonly #storage: Storage;

  constructor(settings: LakeSettings) {
    this.#settings = settings;
    this.#storage = storageOf(settings);
  }

  sink(): LakeSink {
    return new LakeSink({ ...this.#settings, storage: this.#storage, temporary: temporaryOf(this.#settings) });
  }

  caretaker(): Caretaker {
    const storage = this.#storage;
    return new Caretaker({ storage, url: urlOf(this.#settings), temporary: temporaryOf(this.#settings) });
  }

  async check(): Promise<readonly Finding[]> {
    return await checkLake(this.#storage, this.#settings.name);
  }

  async checkTables(): Promise<readonly Finding[]> {
    return [];
  }

  reserves({ name, withheld }: { readonly name: string; readonly withheld: boolean }): boolean {
    return !withheld && isReserved(name);
  }

  async identity(): Promise<null> {
    return null;
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return await this.#naming(() => storedCheckpoint(this.#storage));
  }

  comparer(): Comparer {
    const storage = this.#storage;
    return new LakeComparer({ ...this.#settings, storage, temporary: temporaryOf(this.#settings) });
  }

  async remains(): Promise<readonly Remains[]> {
    const tables = await this.#naming(() => findTables(this.#storage, this.#settings.pipeline));
    if (!tables) return [];
    const count = tables.length === 1 ? '1 table' : `${tables.length} tables`;
    const what = `checkpoint and ${count} in sink ${this.#settings.name}`;
    return [{ what, remove: () => this.#naming(() => dropLake(this.#storage, tables)) }];
  }

  async #naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw ofSink(this.#settings.name, error);
    }
  }
}

function storageOf({ place, endpoint, pipeline }: LakeSettings): Storage {
  if (place.kind === 'folder') return new FolderStorage(join(place.path, pipeline));
  const prefix = prefixOf(place.prefix, pipeline);
  return new S3Storage({ bucket: place.bucket, prefix, region: null, endpoint, credentials: null });
}

/** As readers write it, without a slash at its end. */
function urlOf({ place, pipeline }: LakeSettings): string {
  if (place.kind === 'folder') return join(place.path, pipeline);
  return `s3://${place.bucket}/${prefixOf(place.prefix, pipeline)}`.slice(0, -1);
}

function prefixOf(prefix: string, pipeline: string): string {
  return prefix === '' ? `${pipeline}/` : `${prefix}/${pipeline}/`;
}

/** Of this user and this lake: it is emptied when the lake is opened, and another lake may have a pipeline of the same name. */
function temporaryOf({ place, endpoint, pipeline }: LakeSettings): string {
  const lake = createHash('sha256')
    .update(JSON.stringify([place, endpoint]))
    .digest('hex')
    .slice(0, 12);
  return join(tmpdir(), `pgveil-${process.getuid?.() ?? 0}-${pipeline}-${lake}`);
}
