import { CHECKPOINT_FORMAT, type Checkpoint, type Position } from '../../src/core/checkpoint.ts';
import { entryFromJson, entryToJson } from '../../src/core/entry-json.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { formatLsn, parseLsn } from '../../src/core/lsn.ts';
import type { Storage, Tagged } from './storage.ts';

/** What lies here is pgveil's own and no table. */
export const OWN_FOLDER = '_pgveil/';
const NAME = `${OWN_FOLDER}checkpoint`;

/** The stored form. LSNs as Postgres writes them, times as texts: both have 64 bits. */
interface Stored {
  readonly format: number;
  /** Raised by every instance that takes over. */
  readonly epoch: number;
  /** Counts what was stored: no content comes back, which `swap` relies on. */
  readonly serial: number;
  readonly position: StoredPosition | null;
  readonly tables: Readonly<Record<string, unknown>>;
}

interface StoredPosition extends Pick<Position, 'history'> {
  readonly pos: string;
  readonly witness: { readonly clsn: string; readonly xid: number; readonly commitTime: string } | null;
}

/** The right to write a pipeline's lake: good for as long as nobody else has swapped its checkpoint. */
export class Claim {
  readonly #storage: Storage;
  readonly #epoch: number;
  #serial: number;
  #etag: string;
  #checkpoint: Checkpoint;
  /** One swap at a time: each needs the tag that the one before gave. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    storage: Storage,
    { epoch, serial }: Pick<Stored, 'epoch' | 'serial'>,
    etag: string,
    checkpoint: Checkpoint,
  ) {
    this.#storage = storage;
    this.#epoch = epoch;
    this.#serial = serial;
    this.#etag = etag;
    this.#checkpoint = checkpoint;
  }

  /** Raises the epoch: whatever the instance before still saves is refused. Rejects with `newer_checkpoint`. */
  static async takeOver(storage: Storage, signal: AbortSignal): Promise<Claim> {
    for (;;) {
      signal.throwIfAborted();
      const found = await storage.load(NAME);
      const { stored, checkpoint } = read(found);
      const next = { ...stored, format: CHECKPOINT_FORMAT, epoch: stored.epoch + 1, serial: stored.serial + 1 };
      const etag = await storage.swap(NAME, write(next, checkpoint), found?.etag ?? null);
      if (etag !== null) return new Claim(storage, next, etag, checkpoint);
    }
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** What is durable. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /** Rejects with `fenced` when another instance has taken over. */
  async assertOurs(): Promise<void> {
    await this.#inTurn(async () => {
      if ((await this.#storage.load(NAME))?.etag !== this.#etag) throw fenced();
    });
  }

  /** Makes a changed checkpoint durable. Rejects with `fenced`. */
  async save(change: (durable: Checkpoint) => Checkpoint): Promise<void> {
    await this.#inTurn(async () => {
      const checkpoint = change(this.#checkpoint);
      const stored = { format: CHECKPOINT_FORMAT, epoch: this.#epoch, serial: this.#serial + 1 };
      const etag = await this.#storage.swap(NAME, write(stored, checkpoint), this.#etag);
      if (etag === null) throw fenced();
      this.#etag = etag;
      this.#serial++;
      this.#checkpoint = checkpoint;
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    await turn;
  }
}

/** What is stored of a pipeline, without taking it over; null where nothing is. Rejects with `newer_checkpoint`. */
export async function storedCheckpoint(storage: Storage): Promise<Checkpoint | null> {
  const found = await storage.load(NAME);
  return found && read(found).checkpoint;
}

/** That of the writer, or of the last one. 0: there was none. */
export async function storedEpoch(storage: Storage): Promise<number> {
  return read(await storage.load(NAME)).stored.epoch;
}

function fenced(): PgveilError {
  return new PgveilError('fenced', 'another instance took the lake over');
}

/** A position of an older format is of no use: without one everything is copied. */
function read(found: Tagged | null): { stored: Pick<Stored, 'epoch' | 'serial'>; checkpoint: Checkpoint } {
  if (!found) return { stored: { epoch: 0, serial: 0 }, checkpoint: { position: null, tables: new Map() } };
  const stored = JSON.parse(found.bytes.toString()) as Stored;
  if (stored.format > CHECKPOINT_FORMAT) {
    throw new PgveilError('newer_checkpoint', `the lake's checkpoint has format ${stored.format}`);
  }
  const tables = Object.entries(stored.tables).map(
    ([name, entry]) => [name, entryFromJson(JSON.stringify(entry))] as const,
  );
  const position = stored.format === CHECKPOINT_FORMAT && stored.position ? positionFrom(stored.position) : null;
  return { stored, checkpoint: { position, tables: new Map(tables) } };
}

function write(
  { format, epoch, serial }: Omit<Stored, 'position' | 'tables'>,
  { position, tables }: Checkpoint,
): Buffer {
  const entries = [...tables].map(([name, entry]) => [name, JSON.parse(entryToJson(entry))]);
  const stored: Stored = {
    format,
    epoch,
    serial,
    position: position && positionTo(position),
    tables: Object.fromEntries(entries),
  };
  return Buffer.from(`${JSON.stringify(stored, null, 2)}\n`);
}

function positionTo({ pos, witness, history }: Position): StoredPosition {
  const { clsn, xid, commitTime } = witness ?? {};
  return {
    pos: formatLsn(pos),
    witness: witness && { clsn: formatLsn(clsn!), xid: xid!, commitTime: String(commitTime) },
    history,
  };
}

function positionFrom({ pos, witness, history }: StoredPosition): Position {
  return {
    pos: parseLsn(pos),
    witness: witness && {
      clsn: parseLsn(witness.clsn),
      xid: witness.xid,
      commitTime: BigInt(witness.commitTime),
    },
    history,
  };
}
