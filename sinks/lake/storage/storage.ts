/** What `list` tells of an object. */
export interface Stored {
  /** From the storage's root, parts separated by slashes. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** When it came to be there, in milliseconds since 1970, by the storage's clock. */
  readonly modified: number;
}

/** What `load` gives: the content, and the tag that `swap` wants to see unchanged. */
export interface Tagged {
  readonly bytes: Buffer;
  readonly etag: string;
}

/**
 * Where a lake lies: a folder or a bucket. An object is there as a whole or not at all, also after a power cut, and what a method has
 * resolved with is durable. Rejects with a PgveilError: `lake_away`, `lake_rights` or `lake_failed`.
 *
 * An object that is swapped is reached by `load` and `swap` alone: a folder keeps it as more than one file.
 */
export interface Storage {
  /** Null where it is not there. For small objects: all of it is in memory. */
  get(name: string): Promise<Buffer | null>;
  /** The bytes [start, end) of an object that is there. */
  read(name: string, start: number, end: number): Promise<Buffer>;
  put(name: string, bytes: Buffer): Promise<void>;
  /**
   * False where another object of that name was first. The very same bytes are taken for our own: an answer may be lost on its way, and
   * the request is sent again.
   */
  putIfAbsent(name: string, bytes: Buffer): Promise<boolean>;
  load(name: string): Promise<Tagged | null>;
  /**
   * Puts an object in the place of the one with this tag; null: where none is. Gives the new tag, or null where somebody else was faster.
   * Contents must never come back, or a writer that slept could take an old one for what it knows.
   */
  swap(name: string, bytes: Buffer, etag: string | null): Promise<string | null>;
  /** Brings a file of this machine there, of any size and in bounded memory. Once `signal` aborts it rejects soon, and nothing more comes. */
  upload(name: string, file: string, signal?: AbortSignal): Promise<void>;
  /** In the order of their names' bytes, all that begin with `prefix` and come behind `after`. */
  list(prefix: string, after?: string): AsyncIterable<Stored>;
  /** No error where it is not there. */
  delete(name: string): Promise<void>;
  /**
   * Removes what uploads that were begun before `before` (ms since 1970, by the storage's clock) and cut off left behind, and gives their
   * number. Without it all of them are taken for cut off: only for whoever alone writes here.
   */
  sweep(before?: number): Promise<number>;
  /** Tries what a lake needs and leaves nothing behind. Says in words what is missing; null where nothing is. */
  probe(): Promise<string | null>;
  /** Removes what is left of a place that nothing lies in any more: empty folders. */
  prune(): Promise<void>;
}
