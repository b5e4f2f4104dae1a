import type { Storage, Stored, Tagged } from '../../../sinks/lake/storage/storage.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Random } from '../../support/random/prng.ts';

/** When a call fails: before it does anything, or when all is done and only the answer is lost. */
export type Fault = 'before' | 'after' | null;

/** A storage that fails when it is told to. Asked for each call, with the method's name and the object's. */
export class FaultyStorage implements Storage {
  readonly #storage: Storage;
  readonly #fault: (method: keyof Storage, name: string) => Fault;

  constructor(storage: Storage, fault: (method: keyof Storage, name: string) => Fault) {
    this.#storage = storage;
    this.#fault = fault;
  }

  get(name: string): Promise<Buffer | null> {
    return this.#run('get', name, () => this.#storage.get(name));
  }

  read(name: string, start: number, end: number): Promise<Buffer> {
    return this.#run('read', name, () => this.#storage.read(name, start, end));
  }

  put(name: string, bytes: Buffer): Promise<void> {
    return this.#run('put', name, () => this.#storage.put(name, bytes));
  }

  putIfAbsent(name: string, bytes: Buffer): Promise<boolean> {
    return this.#run('putIfAbsent', name, () => this.#storage.putIfAbsent(name, bytes));
  }

  load(name: string): Promise<Tagged | null> {
    return this.#run('load', name, () => this.#storage.load(name));
  }

  swap(name: string, bytes: Buffer, etag: string | null): Promise<string | null> {
    return this.#run('swap', name, () => this.#storage.swap(name, bytes, etag));
  }

  upload(name: string, file: string, signal?: AbortSignal): Promise<void> {
    return this.#run('upload', name, () => this.#storage.upload(name, file, signal));
  }

  list(prefix: string, after?: string): AsyncIterable<Stored> {
    return this.#storage.list(prefix, after);
  }

  delete(name: string): Promise<void> {
    return this.#run('delete', name, () => this.#storage.delete(name));
  }

  sweep(before?: number): Promise<number> {
    return this.#storage.sweep(before);
  }

  probe(): Promise<string | null> {
    return this.#storage.probe();
  }

  prune(): Promise<void> {
    return this.#storage.prune();
  }

  async #run<T>(method: keyof Storage, name: string, work: () => Promise<T>): Promise<T> {
    const fault = this.#fault(method, name);
    if (fault === 'before') throw away();
    const result = await work();
    if (fault === 'after') throw away();
    return result;
  }
}

function away(): PgveilError {
  return new PgveilError('lake_away', 'as the test wanted it');
}

/** So many faults, each call having one by this chance. */
export class RandomFaults {
  left: number;
  readonly #random: Random;
  readonly #chance: number;

  constructor(random: Random, left: number, chance: number) {
    this.#random = random;
    this.left = left;
    this.#chance = chance;
  }

  readonly next = (): Fault => {
    if (this.left === 0 || !this.#random.chance(this.#chance)) return null;
    this.left--;
    return this.#random.pick(['before', 'after']);
  };
}
