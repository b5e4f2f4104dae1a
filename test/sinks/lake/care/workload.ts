// Random transactions over one table, and what they amount to: keys that move, values that are not sent, truncates, over several days.
import type { LakeSink } from '../../../../sinks/lake/sink.ts';
import type { RedactedBatch } from '../../../../src/core/batch.ts';
import type { Position } from '../../../../src/core/checkpoint.ts';
import type { RedactedTable } from '../../../../src/core/table.ts';
import { insert, type Row, remove, truncate, UNCHANGED, update, upTo } from '../../../support/batches.ts';
import type { Random } from '../../../support/random/prng.ts';

export type Transaction = RedactedBatch & { readonly position: Position };

/** 2000-01-01, from which Postgres counts, in milliseconds since 1970. */
export const EPOCH_MS = Date.UTC(2000, 0, 1);
export const DAY_MS = 24 * 3600 * 1000;

const COLUMNS = 4;

/** Makes transactions; each is two hours after the one before. */
export class Workload {
  readonly table: RedactedTable;
  readonly #random: Random;
  /** The latest state, by key. */
  #rows = new Map<string, Row>();
  #made = 0;

  /** `table` has an id, a name, a note and a numeric(10,2). */
  constructor(table: RedactedTable, random: Random) {
    this.table = table;
    this.#random = random;
  }

  get latest(): Row[] {
    return sorted([...this.#rows.values()]);
  }

  /** When the last one was committed, in milliseconds since 1970. */
  get now(): number {
    return EPOCH_MS + this.#made * 2 * 3600 * 1000;
  }

  next(): Transaction {
    const changes = Array.from({ length: this.#random.int(1, 5) }, () => this.#change());
    return this.transaction(changes);
  }

  transaction(changes: Parameters<typeof upTo>[1]): Transaction {
    this.#made++;
    const batch = upTo(0x200n + 0x10n * BigInt(this.#made), changes);
    const commitTime = BigInt(this.now - EPOCH_MS) * 1000n;
    // The same object for all of them: by it a key change in the midst of them is counted.
    const transaction = { clsn: batch.position.witness!.clsn, xid: 700, commitTime };
    const dated = batch.changes.map((change) => ({ ...change, transaction }));
    return { ...batch, changes: dated } as Transaction;
  }

  #change() {
    const random = this.#random;
    const fresh = String(random.int(1, 1_000_000_000));
    if (random.chance(0.01)) {
      this.#rows = new Map();
      return truncate(this.table);
    }
    const row = this.#rows.get(random.pick(['none', ...this.#rows.keys()]));
    return row ? this.#changeRow(row, fresh) : this.#insert(fresh);
  }

  #insert(key: string) {
    const row: Row = [key, 'new', `large of ${key}`, '1.50'];
    this.#rows.set(key, row);
    return insert(this.table, row);
  }

  #changeRow(row: Row, fresh: string) {
    const old = row[0] as string;
    const what = this.#random.pick(['delete', 'move', 'update', 'update', 'update', 'write'] as const);
    this.#rows.delete(old);
    const before = this.table.identity === 'full' ? row : [old, ...Array<null>(COLUMNS - 1).fill(null)];
    if (what === 'delete') return remove(this.table, before);
    const key = what === 'move' ? fresh : old;
    const note = what === 'write' ? `large of ${fresh}` : row[2]!;
    this.#rows.set(key, [key, fresh, note, row[3]!]);
    const sent: Row = [key, fresh, what === 'write' ? note : UNCHANGED, what === 'write' ? row[3]! : UNCHANGED];
    return update(this.table, sent, key === old ? undefined : before);
  }
}

export function sorted(rows: readonly Row[]): Row[] {
  return rows.toSorted((one, other) => Number(one[0]) - Number(other[0]));
}

/** Makes each of them durable by itself: as many files as possible. */
export async function deliver(sink: LakeSink, transactions: readonly Transaction[]): Promise<void> {
  for (const transaction of transactions) {
    await sink.write(transaction);
    await sink.flush(transaction.position);
  }
}
