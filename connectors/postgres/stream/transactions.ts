import type { TableEvent } from '../../../src/core/batch.ts';
import type { Position } from '../../../src/core/checkpoint.ts';
import { reach } from '../../../src/core/fault.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Reading } from '../catalog/reading.ts';
import { Arena } from './arena.ts';
import type { Batches } from './batches.ts';
import type { Search } from './history.ts';
import { omitFrom } from './omit.ts';
import {
  type Begin,
  MESSAGE,
  malformed,
  readBegin,
  readCommit,
  readRelation,
  readRow,
  readRowOid,
  readTruncate,
} from './pgoutput.ts';
import type { Handed, Known, Relations, Why } from './question.ts';

/** What a change takes beside the bytes of its row: its own object and those of its tuples. */
const CHANGE_BYTES = 250;

/** Turns the messages of the stream into changes of whole transactions, and leaves out what is applied already. */
export class Transactions {
  /** Where everything that was read so far ends. */
  position: Position;
  readonly #from: Lsn;
  readonly #batches: Batches;
  readonly #relations: Relations;
  readonly #witness: Search;
  readonly #arena = new Arena();
  /** A look at the catalog that the stream has not got to yet. */
  #look: Reading | null = null;
  #transaction: Begin | null = null;
  /** Ordinal of the last row in its transaction. Every row counts, ours or not, so that it is the same whenever it is sent again. */
  #seq = 0;

  constructor(from: Position, batches: Batches, relations: Relations, witness: Search) {
    this.position = from;
    this.#from = from.pos;
    this.#batches = batches;
    this.#relations = relations;
    this.#witness = witness;
  }

  /** Takes one message of pgoutput; a promise where all that follows has to wait for the answer to a question. */
  accept(bytes: Buffer, start: number, end: number): Promise<void> | null {
    switch (bytes[start]) {
      case MESSAGE.insert:
      case MESSAGE.update:
      case MESSAGE.delete:
        return this.#row(bytes, start, end);
      case MESSAGE.begin:
        this.#begin(bytes, start, end);
        return null;
      case MESSAGE.commit:
        this.#commit(readCommit(bytes, start, end));
        return null;
      case MESSAGE.relation:
        this.#relations.received(readRelation(bytes, start, end), this.#current().xid);
        return null;
      case MESSAGE.truncate:
        return this.#truncate(readTruncate(bytes, start, end));
      case MESSAGE.type:
      case MESSAGE.origin:
      case MESSAGE.logical:
        return null;
      default:
        throw malformed('a message of an unknown kind');
    }
  }

  /** The server has sent everything up to `walEnd`: a position like any other, unless a transaction is under way. */
  keepalive(walEnd: Lsn): void {
    if (this.#transaction) return;
    this.#witness.reached(walEnd);
    if (walEnd > this.position.pos) this.position = { ...this.position, pos: walEnd };
    this.#judgeLook();
  }

  /** What the catalog says by now; judged when all that came before is read, since some of it may explain what changed. */
  looked(reading: Reading): void {
    this.#look = reading;
    this.#judgeLook();
  }

  /** A transaction is under way. */
  get isInside(): boolean {
    return this.#transaction !== null;
  }

  /** Between two transactions: see Relations. */
  takeOver(tables: readonly Handed[]): TableEvent<'raw'>[] {
    return tables.map((table) => this.#relations.takeOver(table));
  }

  giveUp(names: readonly string[], why: Why): TableEvent<'raw'>[] {
    return this.#relations.giveUp(names, this.position.pos, why);
  }

  handOver(): Handed[] {
    return this.#relations.handOver();
  }

  /** A look at the catalog waits for the stream. */
  get isJudging(): boolean {
    return this.#look !== null;
  }

  #judgeLook(): void {
    const { pos } = this.position;
    if (!this.#look || this.#transaction || pos < this.#look.lsn) return;
    const events = this.#relations.looked(this.#look, pos);
    this.#look = null;
    for (const event of events) this.#batches.event(event);
    if (events.length > 0) this.#batches.commit(this.position);
  }

  #begin(bytes: Buffer, start: number, end: number): void {
    if (this.#transaction) throw malformed('a transaction inside a transaction');
    this.#transaction = readBegin(bytes, start, end);
    this.#seq = 0;
    this.#witness.begin(this.#transaction);
  }

  #commit(elsn: Lsn): void {
    const { clsn, xid, commitTime } = this.#current();
    this.#transaction = null;
    if (this.#isApplied(clsn)) return;
    if (this.#seq > 0) reach('inside a transaction');
    this.position = { ...this.position, pos: elsn, witness: { clsn, xid, commitTime } };
    this.#batches.commit(this.position);
    this.#judgeLook();
  }

  #row(bytes: Buffer, start: number, end: number): Promise<void> | null {
    if (this.#isApplied(this.#current().clsn)) return null;
    this.#seq++;
    const known = this.#relations.of(readRowOid(bytes, start, end));
    if (known.isOpen) return this.#settle(known).then(() => this.#keep(known, bytes, start, end));
    this.#keep(known, bytes, start, end);
    return null;
  }

  #keep({ table, relation, omitted }: Known, bytes: Buffer, start: number, end: number): void {
    if (!table) return;
    const length = end - start;
    const kept = this.#arena.keep(bytes, start, end);
    const row = readRow(kept.bytes, kept.start, kept.start + length, relation.columns.length);
    const { op, before, beforeIs, after } = omitted.length === 0 ? row : omitFrom(row, omitted);
    const transaction = this.#current();
    this.#batches.add({ op, table, transaction, seq: this.#seq, before, beforeIs, after }, length + CHANGE_BYTES);
  }

  /** Each table of a TRUNCATE is a change of its own. */
  async #truncate(oids: readonly number[]): Promise<void> {
    const transaction = this.#current();
    if (this.#isApplied(transaction.clsn)) return;
    for (const oid of oids) {
      const seq = ++this.#seq;
      const known = this.#relations.of(oid);
      if (known.isOpen) await this.#settle(known);
      const { table } = known;
      if (!table) continue;
      this.#batches.event(this.#relations.truncated(table, transaction.xid));
      const change = { op: 'truncate', table, transaction, seq, before: null, beforeIs: 'row', after: null } as const;
      this.#batches.add(change, CHANGE_BYTES);
    }
  }

  async #settle(known: Known): Promise<void> {
    for (const event of await this.#relations.settle(known, this.#current().clsn)) this.#batches.event(event);
  }

  /** Strictly below: of two adjacent transactions the second begins where the first one ends. */
  #isApplied(clsn: Lsn): boolean {
    return clsn < this.#from;
  }

  #current(): Begin {
    if (!this.#transaction) throw malformed('a message outside of a transaction');
    return this.#transaction;
  }
}
