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

/** The tuples of a batch: where each ends in one buffer. A million objects, held ready, would be walked by the collector again and again. */
export interface Rendered {
  readonly first: number;
  readonly bytes: Buffer;
  readonly ends: Uint32Array;
}

/** Rows from 0 to below `count`. */
export function render(count: number): Rendered[] {
  const step = ROWS_PER_TRANSACTION * TRANSACTIONS_PER_BATCH;
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => tuplesOf(i * step, Math.min(count, (i + 1) * step)));
}

/** In transactions of a thousand, and some of these in a batch, as the source makes them. */
export function* inserts(rendered: readonly Rendered[]): Iterable<Insert> {
  for (const tuples of rendered) yield insert(tuples);
}

function insert({ first, bytes, ends }: Rendered): Insert {
  const changes = Array.from(ends, (end, i): Change<'redacted'> => {
    const transaction = transactionOf(Math.floor((first + i) / ROWS_PER_TRANSACTION));
    const seq = 1 + ((first + i) % ROWS_PER_TRANSACTION);
    const after: Tuple<'redacted'> = { bytes, start: ends[i - 1] ?? 0, end };
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

function tuplesOf(from: number, to: number): Rendered {
  const out = new ByteWriter((to - from) * 400);
  const ends = new Uint32Array(to - from);
  for (let id = from; id < to; id++) {
    const cells = cellsOf(id);
    out.uint16(cells.length);
    for (const cell of cells) {
      out.byte(CELL_TEXT);
      out.uint32(Buffer.byteLength(cell));
      out.text(cell);
    }
    ends[id - from] = out.length;
  }
  return { first: from, bytes: out.bytes, ends };
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
