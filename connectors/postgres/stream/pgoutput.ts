import { PgveilError } from '../../../src/core/errors.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, type Tuple } from '../../../src/core/tuple.ts';

/** The first byte of each message of pgoutput's protocol 1. */
export const MESSAGE = {
  begin: 0x42, // 'B'
  commit: 0x43, // 'C'
  relation: 0x52, // 'R'
  insert: 0x49, // 'I'
  update: 0x55, // 'U'
  delete: 0x44, // 'D'
  truncate: 0x54, // 'T'
  type: 0x59, // 'Y': names of types; the catalog tells them
  origin: 0x4f, // 'O': where a transaction was first committed; every origin counts
  logical: 0x4d, // 'M': pg_logical_emit_message; holds whatever an application wrote and never leaves
} as const;

export interface Begin {
  /** LSN of the commit record. */
  readonly clsn: Lsn;
  /** Microseconds since 2000-01-01 UTC. */
  readonly commitTime: bigint;
  readonly xid: number;
}

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly relation: string;
  /** pg_class.relreplident: default, index, full, nothing. */
  readonly identity: 'd' | 'i' | 'f' | 'n';
  readonly columns: readonly {
    readonly name: string;
    /** pg_attribute.atttypid and atttypmod. */
    readonly type: number;
    readonly modifier: number;
    /** Belongs to the replica identity. */
    readonly key: boolean;
  }[];
}

export interface Row {
  readonly op: 'insert' | 'update' | 'delete';
  readonly before: Tuple<'raw'> | null;
  readonly beforeIs: 'key' | 'row';
  readonly after: Tuple<'raw'> | null;
}

const NEW = 0x4e; // 'N'
const KEY = 0x4b; // 'K'
const OLD = 0x4f; // 'O'

/** Each of these takes a message as `bytes[start, end)`, its first byte included, and throws `protocol_violation` where it is malformed. */
export function readBegin(bytes: Buffer, start: number, end: number): Begin {
  const message = new Message(bytes, start + 1, end);
  return { clsn: message.uint64(), commitTime: message.int64(), xid: message.uint32() };
}

/** Returns COMMIT.end_lsn: where the next transaction's records may begin. */
export function readCommit(bytes: Buffer, start: number, end: number): Lsn {
  const message = new Message(bytes, start + 1, end);
  message.uint8(); // flags, unused
  message.uint64(); // the commit record's LSN, known from BEGIN
  return message.uint64();
}

export function readRelation(bytes: Buffer, start: number, end: number): Relation {
  const message = new Message(bytes, start + 1, end);
  const oid = message.uint32();
  // An empty name stands for pg_catalog.
  const schema = message.string() || 'pg_catalog';
  const relation = message.string();
  const identity = String.fromCharCode(message.uint8()) as Relation['identity'];
  if (!'difn'.includes(identity)) throw malformed('a RELATION with an unknown replica identity');
  const columns = Array.from({ length: message.uint16() }, () => {
    const key = (message.uint8() & 1) === 1;
    return { key, name: message.string(), type: message.uint32(), modifier: message.int32() };
  });
  return { oid, schema, relation, identity, columns };
}

/** The table of an INSERT, UPDATE or DELETE: whose row it is, before anything is done for it. */
export function readRowOid(bytes: Buffer, start: number, end: number): number {
  return new Message(bytes, start + 1, end).uint32();
}

/** An INSERT, UPDATE or DELETE. The tuples are views on `bytes`; each has `columns` cells. */
export function readRow(bytes: Buffer, start: number, end: number, columns: number): Row {
  const message = new Message(bytes, start + 1, end);
  message.uint32(); // the table, see readRowOid
  let mark = message.uint8();
  if (bytes[start] === MESSAGE.insert) {
    if (mark !== NEW) throw malformed('an INSERT without a new row');
    return { op: 'insert', before: null, beforeIs: 'row', after: message.tuple(columns) };
  }
  const beforeIs = mark === KEY ? 'key' : 'row';
  const before = mark === KEY || mark === OLD ? message.tuple(columns) : null;
  if (bytes[start] === MESSAGE.delete) {
    if (!before) throw malformed('a DELETE without an old row');
    return { op: 'delete', before, beforeIs, after: null };
  }
  if (before) mark = message.uint8();
  if (mark !== NEW) throw malformed('an UPDATE without a new row');
  return { op: 'update', before, beforeIs, after: message.tuple(columns) };
}

/** The tables of a TRUNCATE, those that CASCADE reached included. */
export function readTruncate(bytes: Buffer, start: number, end: number): number[] {
  const message = new Message(bytes, start + 1, end);
  const tables = message.uint32();
  message.uint8(); // CASCADE and RESTART IDENTITY: the tables are listed in either case, and the twin has no sequences
  return Array.from({ length: tables }, () => message.uint32());
}

/** Walks one message and never leaves it, although its buffer goes on with others. */
class Message {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** Ends with a zero byte. */
  string(): string {
    const start = this.#at;
    const end = this.#bytes.indexOf(0, start);
    if (end < 0) throw malformed('a name without an end');
    this.#take(end + 1 - start);
    return this.#bytes.toString('utf8', start, end);
  }

  tuple(columns: number): Tuple<'raw'> {
    const start = this.#at;
    if (this.uint16() !== columns) throw malformed('a row with another number of columns than its RELATION');
    for (let i = 0; i < columns; i++) {
      const kind = this.uint8();
      if (kind === CELL_TEXT) this.#take(this.uint32());
      else if (kind !== CELL_NULL && kind !== CELL_UNCHANGED) throw malformed('a cell of an unknown kind');
    }
    return { bytes: this.#bytes, start, end: this.#at };
  }

  /** Moves on by so many bytes and returns where they begin. */
  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw malformed('a message that ends too early');
    this.#at = at + length;
    return at;
  }
}

/** `what` is our own words: nothing of the message, which may hold values. */
export function malformed(what: string): PgveilError {
  return new PgveilError('protocol_violation', `source: ${what}`);
}
