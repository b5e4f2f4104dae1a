import type { Reading, TableReading } from '../../../connectors/postgres/catalog/reading.ts';
import { Batches } from '../../../connectors/postgres/stream/batches.ts';
import { WitnessSearch } from '../../../connectors/postgres/stream/history.ts';
import { Relations } from '../../../connectors/postgres/stream/question.ts';
import { Stream } from '../../../connectors/postgres/stream/stream.ts';
import { Transactions } from '../../../connectors/postgres/stream/transactions.ts';
import type { Position } from '../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { shapeOf } from '../../../src/core/table.ts';
import * as messages from './messages.ts';

const t = messages.table(100, 't');
const history = { systemIdentifier: '1', timeline: 1, databaseOid: 1, slot: 's' };
const from: Position = { pos: 200n, witness: null, history };
/** A stream from 200 on, without a server; the table streams in it, or in none. */
export function open(streams: boolean, reached?: (pos: Lsn) => void) {
  const reading: Reading = {
    snapshot: { xmin: 800n, xmax: 800n, running: [] },
    lsn: 0n,
    tables: new Map([
      [
        t.name,
        { table: t, leaves: [], publishing: null, types: [], generated: [], problem: null } as unknown as TableReading,
      ],
    ]),
  };
  const copied = {
    name: t.name,
    oid: t.oid,
    shape: shapeOf(t),
    marks: { publishing: null, leaves: [], truncatedBy: null },
  };
  const streaming = new Map(streams ? [[t.name, { copied, table: t }]] : []);
  const look = async () => reading;
  const relations = new Relations({ streaming, copiedAs: new Map(), reading }, look, () => {});
  const batches = new Batches(1 << 20);
  const witness = new WitnessSearch(from, 200n);
  witness.reached(200n);
  const transactions = new Transactions(from, batches, relations, witness);
  const stream = new Stream({ transactions, batches, witness, events: [], look, ...(reached ? { reached } : {}) });
  /** Resolves when all was taken, as a receiver would send it: one message when the one before is done with. */
  const send = async (...all: Buffer[]) => {
    for (const message of all) await stream.message(message, 0, message.length);
  };
  return { stream, send };
}

/** A transaction of one row. */
export const insert = (clsn: bigint, id: string) => [
  messages.begin(clsn),
  messages.relation(messages.relationOf(t)),
  messages.insert(100, [id, 'x']),
  messages.commit(clsn, clsn + 10n),
];
