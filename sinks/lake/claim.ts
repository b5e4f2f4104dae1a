import { CHECKPOINT_FORMAT, type Checkpoint, type Position } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { positionOf, type StoredPosition, storedPosition } from '../../src/core/position-json.ts';
import {
  assertForm,
  damaged,
  isInteger,
  isListOf,
  isNullOr,
  isObjectOf,
  isText,
  readStored,
} from '../../src/core/stored.ts';
import { DAMAGED_FIX, forgetEntries, loadEntries, storeEntries, strayEntries } from './entry-objects.ts';
import type { Storage } from './storage/storage.ts';

/** What lies here is pgveil's own and no table. */
export const OWN_FOLDER = '_pgveil/';
const NAME = `${OWN_FOLDER}checkpoint`;

/** The stored form. */
interface Stored {
  readonly format: number;
  /** Raised by every instance that takes over. */
  readonly epoch: number;
  /** Counts what was stored: no content comes back, which `swap` relies on. */
  readonly serial: number;
  readonly position: StoredPosition | null;
  /** Names of the objects that hold the tables' entries. */
  readonly entries: readonly string[];
}

/** What is stored, and the tag that the next swap wants to see unchanged; null where nothing is. */
interface Durable {
  readonly stored: Omit<Stored, 'position' | 'format'>;
  readonly checkpoint: Checkpoint;
  readonly etag: string | null;
}

/** The right to write a pipeline's lake: good for as long as nobody else has swapped its checkpoint. */
export class Claim {
  readonly #storage: Storage;
  #durable: Durable;
  /** One swap at a time: each needs the tag that the one before gave. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(storage: Storage, durable: Durable) {
    this.#storage = storage;
    this.#durable = durable;
  }

  /** Raises the epoch: whatever the instance before still saves is refused. Rejects with `newer_checkpoint` or `checkpoint_damaged`. */
  static async takeOver(storage: Storage, signal: AbortSignal): Promise<Claim> {
    for (;;) {
      signal.throwIfAborted();
      const { stored, checkpoint, etag: old } = await load(storage);
      const ours = { ...stored, epoch: stored.epoch + 1, serial: stored.serial + 1 };
      const etag = await storage.swap(NAME, write(ours, checkpoint.position), old);
      if (etag === null) continue;
      await forgetEntries(storage, await strayEntries(storage, ours.epoch, ours.entries));
      return new Claim(storage, { stored: ours, checkpoint, etag });
    }
  }

  get epoch(): number {
    return this.#durable.stored.epoch;
  }

  /** What is durable. */
  get checkpoint(): Checkpoint {
    return this.#durable.checkpoint;
  }

  /** Rejects with `fenced` when another instance has taken over. */
  async assertOurs(): Promise<void> {
    await this.#inTurn(async () => {
      if ((await this.#storage.load(NAME))?.etag !== this.#durable.etag) throw fenced();
    });
  }

  /** Makes a changed checkpoint durable. Rejects with `fenced`. */
  async save(change: (durable: Checkpoint) => Checkpoint): Promise<void> {
    await this.#inTurn(async () => {
      const { stored, checkpoint: durable, etag: old } = this.#durable;
      const checkpoint = change(durable);
      const author = { epoch: stored.epoch, serial: stored.serial + 1 };
      const entries = await storeEntries(this.#storage, author, stored.entries, durable.tables, checkpoint.tables);
      const etag = await this.#storage.swap(NAME, write({ ...author, entries }, checkpoint.position), old);
      if (etag === null) throw fenced();
      this.#durable = { stored: { ...author, entries }, checkpoint, etag };
      const isNamed = new Set(entries);
      await forgetEntries(
        this.#storage,
        stored.entries.filter((object) => !isNamed.has(object)),
      );
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    await turn;
  }
}

/** What is stored of a pipeline, without taking it over; null where nothing is. Rejects with `newer_checkpoint` or `checkpoint_damaged`. */
export async function storedCheckpoint(storage: Storage): Promise<Checkpoint | null> {
  const { checkpoint, etag } = await load(storage);
  return etag === null ? null : checkpoint;
}

/** That of the writer, or of the last one. 0: there was none. */
export async function storedEpoch(storage: Storage): Promise<number> {
  return (await load(storage)).stored.epoch;
}

function fenced(): PgveilError {
  return new PgveilError('fenced', 'another instance took the lake over');
}

async function load(storage: Storage): Promise<Durable> {
  for (let last: string | null = null; ; ) {
    const found = await storage.load(NAME);
    if (!found) {
      return {
        stored: { epoch: 0, serial: 0, entries: [] },
        checkpoint: { position: null, tables: new Map() },
        etag: null,
      };
    }
    const { stored, position } = readStored(`the lake's object ${NAME}`, DAMAGED_FIX, () => read(found.bytes));
    const tables = await loadEntries(storage, stored.entries);
    if (tables) return { stored, checkpoint: { position, tables }, etag: found.etag };
    if (last === found.etag) throw damaged(`an object that the lake's ${NAME} names is not there`, DAMAGED_FIX);
    last = found.etag; // somebody swapped it in between
  }
}

/** A position of an older format is of no use: without one everything is copied. */
function read(bytes: Buffer): { readonly stored: Stored; readonly position: Position | null } {
  const stored = JSON.parse(bytes.toString()) as Stored;
  if (stored.format > CHECKPOINT_FORMAT) {
    throw new PgveilError('newer_checkpoint', `the lake's checkpoint has format ${stored.format}`);
  }
  assertForm(stored, isStored);
  const position = stored.format === CHECKPOINT_FORMAT && stored.position ? positionOf(stored.position) : null;
  return { stored, position };
}

const isStored = isObjectOf({
  format: isInteger,
  epoch: isInteger,
  serial: isInteger,
  position: isNullOr(isObjectOf({})),
  entries: isListOf(isText),
});

function write({ epoch, serial, entries }: Durable['stored'], position: Position | null): Buffer {
  const stored: Stored = {
    format: CHECKPOINT_FORMAT,
    epoch,
    serial,
    position: position && storedPosition(position),
    entries,
  };
  return Buffer.from(`${JSON.stringify(stored, null, 2)}\n`);
}
