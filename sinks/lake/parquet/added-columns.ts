import type { Transaction } from '../../../src/core/batch.ts';
import { unixMicros } from '../columns/calendar.ts';
import { LongVector } from '../columns/fixed-vector.ts';
import type { Heap } from '../columns/heap.ts';
import { ListVector, MapVector } from '../columns/list-vector.ts';
import { TextVector } from '../columns/text-vector.ts';
import type { FilledVector } from '../columns/vector.ts';
import { NONE, type Op, type Run } from './rows.ts';

const OPS: Readonly<Record<Op, Buffer>> = {
  r: Buffer.from('r'),
  c: Buffer.from('c'),
  u: Buffer.from('u'),
  d: Buffer.from('d'),
  t: Buffer.from('t'),
};

/** What pgveil adds to a row: where it comes from, and what has no place in the source's columns. */
export class AddedColumns {
  readonly #op: TextVector;
  readonly #lsn = new LongVector();
  readonly #seq = new LongVector();
  readonly #time = new LongVector();
  readonly #xid = new LongVector();
  readonly #unchanged: ListVector;
  readonly #previousKey: TextVector;
  readonly #texts: MapVector;
  #run: Run | null = null;
  #memory: Buffer = Buffer.alloc(0);
  /** Of the last row, whose neighbours mostly share it. */
  #transaction: Transaction | null = null;
  #micros = 0n;

  constructor(heap: Heap) {
    this.#op = new TextVector(heap);
    this.#unchanged = new ListVector(new TextVector(heap));
    this.#previousKey = new TextVector(heap);
    this.#texts = new MapVector(heap);
  }

  /** In the order of ADDED in lake-table.ts. */
  get vectors(): FilledVector[] {
    return [this.#op, this.#lsn, this.#seq, this.#time, this.#xid, this.#unchanged, this.#previousKey, this.#texts];
  }

  /** Begins with rows whose places refer to `memory`. */
  open(run: Run, memory: Buffer): void {
    this.#run = run;
    this.#memory = memory;
  }

  put(at: number): void {
    const run = this.#run!;
    const [transaction, keyEnd, previousKeyEnd] = [run.transactions[at]!, run.keyEnds[at]!, run.previousKeyEnds[at]!];
    if (transaction !== this.#transaction) {
      this.#transaction = transaction;
      this.#micros = unixMicros(transaction.commitTime);
    }
    this.#op.put(at, OPS[run.ops[at]!], 0, 1);
    this.#lsn.put(at, transaction.clsn);
    this.#seq.put(at, run.seqs[at]!);
    this.#time.put(at, this.#micros);
    if (transaction.xid !== null) this.#xid.put(at, transaction.xid);
    if (previousKeyEnd !== NONE) this.#previousKey.put(at, this.#memory, keyEnd, previousKeyEnd);
  }

  /** Names of columns that Postgres did not send, since they are large and stayed as they were. */
  putUnchanged(at: number, names: readonly string[]): void {
    this.#unchanged.putAll(at, names);
  }

  /** Texts that have no place in their columns' types, by name. */
  putTexts(at: number, texts: readonly (readonly [name: string, text: string])[]): void {
    this.#texts.putAll(at, texts);
  }
}
