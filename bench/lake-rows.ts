// What the benches of the lake write: the table of workload.ts as the redactor leaves it, without source and redactor.
import { hash } from 'node:crypto';
import type { Change, RedactedBatch, Transaction } from '../src/core/batch.ts';
import { ByteWriter } from '../src/core/bytes.ts';
import type { Position } from '../src/core/checkpoint.ts';
import { CELL_TEXT, type Tuple } from '../src/core/tuple.ts';
import { batch, positionAt, sketchTable } from '../test/support/batches.ts';

export const CUSTOMERS = sketchTable({
  relation: 'customers',
  columns: {
    id: 'bigint',
    email: 'text',
    full_name: 'text',
    phone: 'text',
    balance: 'numeric(12,2)',
    created_at: 'timestamp with time zone',
    updated_at: 'timestamp with time zone',
    active: 'boolean',
    address: 'text',
    notes: 'text',
  },
  key: ['id'],
});

const ROWS_PER_TRANSACTION = 1_000;
const TRANSACTIONS_PER_BATCH = 4;
const NOTES = 'Prefers to be called in the afternoon, has asked twice for the catalogue, and pays by card.';

/** A batch of whole transactions. */
export type Insert = RedactedBatch & { readonly position: Position };

/** Rows `from` to below `to`, in transactions of a thousand, and some of these in a batch, as the source makes them. */
export function* inserts(from: number, to: number): Iterable<Insert> {
  const step = ROWS_PER_TRANSACTION * TRANSACTIONS_PER_BATCH;
  for (let first = from; first < to; first += step) yield insert(first, Math.min(to, first + step));
}

function insert(from: number, to: number): Insert {
  const images = imagesOf(from, to);
  const changes = images.map((after, i): Change<'redacted'> => {
    const transaction = transactionOf(Math.floor((from + i) / ROWS_PER_TRANSACTION));
    const seq = 1 + ((from + i) % ROWS_PER_TRANSACTION);
    return { op: 'insert', table: CUSTOMERS, transaction, seq, before: null, beforeIs: 'key', after };
  });
  const position = positionAt(changes.at(-1)!.transaction.clsn + 8n);
  return { ...batch({ changes }), position };
}

let last: { readonly number: number; readonly transaction: Transaction } | null = null;

/** One object for all rows of a transaction. */
function transactionOf(number: number): Transaction {
  if (last?.number !== number) {
    const commitTime = 848_500_000_000_000n + BigInt(number) * 1_237n;
    last = { number, transaction: { clsn: 0x1_0000_0000n + BigInt(number) * 16n, xid: 1_000 + number, commitTime } };
  }
  return last.transaction;
}

/** Tuples that share one buffer. */
function imagesOf(from: number, to: number): Tuple<'redacted'>[] {
  const out = new ByteWriter((to - from) * 400);
  const images = [];
  for (let id = from; id < to; id++) {
    const start = out.length;
    const cells = cellsOf(id);
    out.uint16(cells.length);
    for (const cell of cells) {
      out.byte(CELL_TEXT);
      out.uint32(Buffer.byteLength(cell));
      out.text(cell);
    }
    images.push({ start, end: out.length });
  }
  return images.map((image) => ({ bytes: out.bytes, ...image }));
}

/** Three of ten columns are redacted as pgveil.yaml has it. */
function cellsOf(id: number): string[] {
  const second = String(id % 60).padStart(2, '0');
  const created = `2026-${String(1 + (id % 12)).padStart(2, '0')}-21 12:34:${second}.${String(id % 1_000_000).padStart(6, '0')}+00`;
  return [
    String(id),
    hash('sha256', `email ${id}`).slice(0, 32),
    hash('sha256', `name ${id % 39_000_000}`).slice(0, 32),
    `+49${'*'.repeat(13)}`,
    `${id % 1_000}.00`,
    created,
    created,
    id % 10 === 0 ? 'f' : 't',
    `${id % 401} Long Street, ${10_000 + (id % 89_989)} Springfield`,
    NOTES,
  ];
}
