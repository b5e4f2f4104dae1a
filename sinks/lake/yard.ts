import type { Duck } from './parquet/duck.ts';
import type { Storage } from './storage/storage.ts';

/** Where rows become files and files go to the storage, from a sink's `open` to its `close`. */
export class Yard {
  readonly storage: Storage;
  readonly duck: Duck;
  /** What the files' names begin with, by which a vacuum knows whose they are: the writer's epoch. */
  readonly maker: string;
  readonly #closing = new AbortController();
  readonly #uploads = new Set<Promise<void>>();

  constructor(storage: Storage, duck: Duck, maker: string) {
    this.storage = storage;
    this.duck = duck;
    this.maker = maker;
  }

  async upload(name: string, file: string): Promise<void> {
    const upload = this.storage.upload(name, file, this.#closing.signal);
    this.#uploads.add(upload);
    try {
      await upload;
    } finally {
      this.#uploads.delete(upload);
    }
  }

  /** Resolves when nothing more is written, here or there. What the storage does not answer is given up: nobody will commit it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#uploads);
    await this.duck.close();
    await Promise.allSettled(this.#uploads); // of what was made until then: given up before it began
  }
}
