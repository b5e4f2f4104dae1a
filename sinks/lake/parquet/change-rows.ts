import type { Change, Transaction } from '../../../src/core/batch.ts';
import { ByteWriter } from '../../../src/core/bytes.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { KeyText } from '../../../src/core/key-text.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, CellReader, type Tuple } from '../../../src/core/tuple.ts';
import type { Row, Text } from './rows.ts';

type RedactedChange = Change<'redacted'>;
type Image = Tuple<'redacted'>;

/** Makes rows of the lake of changes, in the order of the stream. A key change is two rows, and later ones of its transaction count on. */
export class ChangeRows {
  readonly #keys = new WeakMap<RedactedTable, Keys>();
  /** Rows beyond its changes that a transaction has had so far. */
  readonly #extra = new WeakMap<Transaction, number>();

  /** Throws `row_missing` where the source did not send the key. */
  of(change: RedactedChange): readonly Row[] {
    const { op, transaction, table, before, after } = change;
    const seq = change.seq + (this.#extra.get(transaction) ?? 0);
    switch (op) {
      case 'truncate':
        return [{ op: 't', transaction, seq, key: null, previousKey: null, image: null }];
      case 'read':
        return [{ op: 'r', transaction, seq, key: this.#key(table, after!), previousKey: null, image: after }];
      case 'insert':
        return [{ op: 'c', transaction, seq, key: this.#key(table, after!), previousKey: null, image: after }];
      case 'delete':
        return [{ op: 'd', transaction, seq, key: this.#key(table, before!), previousKey: null, image: before }];
      case 'update':
        return this.#update(change, seq);
    }
  }

  #update({ transaction, table, before, after, beforeIs, seq: ordinal }: RedactedChange, seq: number): readonly Row[] {
    const key = this.#key(table, after!, before);
    const old = before && known(this.#keysOf(table).old, table, before, null);
    if (old === null || isSame(old, key)) return [{ op: 'u', transaction, seq, key, previousKey: null, image: after }];
    this.#extra.set(transaction, seq - ordinal + 1);
    const image = beforeIs === 'row' ? before : leftBehind(table, before!, after!);
    return [
      { op: 'd', transaction, seq, key: old, previousKey: null, image },
      { op: 'c', transaction, seq: seq + 1, key, previousKey: old, image: after },
    ];
  }

  #key(table: RedactedTable, image: Image, older: Image | null = null): Text {
    return known(this.#keysOf(table).now, table, image, older);
  }

  #keysOf(table: RedactedTable): Keys {
    let keys = this.#keys.get(table);
    if (!keys) {
      keys = { now: new KeyText(table, false), old: new KeyText(table, false) };
      this.#keys.set(table, keys);
    }
    return keys;
  }
}

/** Of one table: an update has two. */
interface Keys {
  readonly now: KeyText;
  readonly old: KeyText;
}

function known(key: KeyText, table: RedactedTable, image: Image, older: Image | null): Text {
  key.find(image, older);
  if (!key.isKnown) throw new PgveilError('row_missing', 'a key was not sent', { table: table.name });
  return key;
}

function isSame(one: Text, other: Text): boolean {
  return one.bytes.compare(other.bytes, other.start, other.end, one.start, one.end) === 0;
}

/**
 * What is known of a row under its old key: the key, and that the values which were not sent are still those of before. Whoever looks
 * for them under the old key finds this row first, and is led on to the one that has them.
 */
function leftBehind(table: RedactedTable, before: Image, after: Image): Image {
  const out = new ByteWriter(256);
  const [old, now] = [new CellReader(), new CellReader()];
  const count = old.open(before);
  now.open(after);
  out.uint16(count);
  for (let column = 0; column < count; column++) {
    old.next();
    now.next();
    if (table.key.includes(column) && old.kind === CELL_TEXT) {
      out.byte(CELL_TEXT);
      out.uint32(old.end - old.start);
      out.copy(old.bytes, old.start, old.end);
    } else out.byte(now.kind === CELL_UNCHANGED ? CELL_UNCHANGED : CELL_NULL);
  }
  return { bytes: out.bytes, start: 0, end: out.length };
}
