// Redacted batches for tests of sinks, built from plain arrays: what the redactor would hand over, without source and rules.
import type { Change, RedactedBatch, TableEvent, Transaction } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import type { History, Position, TableEntry, TableState } from '../../src/core/checkpoint.ts';
import type { Sink } from '../../src/core/sink.ts';
import { type ColumnType, type Index, type RedactedTable, shapeOf } from '../../src/core/table.ts';
import { formatTableName } from '../../src/core/table-name.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, type Tuple } from '../../src/core/tuple.ts';

/** A value that Postgres did not send, because an update left it as it was and it is stored out of line. */
export const UNCHANGED = Symbol('unchanged TOAST');

export type Cell = string | null | typeof UNCHANGED;
export type Row = readonly Cell[];

type RedactedChange = Change<'redacted'>;
type RedactedEvent = TableEvent<'redacted'>;

export interface TableSketch {
  schema?: string;
  relation: string;
  /** By name: the type's name, or more of it where it is not one of Postgres's own. */
  columns: Record<string, string | Partial<ColumnType>>;
  key: readonly string[];
  oid?: number;
  identity?: RedactedTable['identity'];
  generation?: number;
  indexes?: readonly Index[];
}

export function sketchTable(sketch: TableSketch): RedactedTable {
  const { schema = 'public', relation, key, oid = 16385, identity = 'default', generation = 1, indexes = [] } = sketch;
  const names = Object.keys(sketch.columns);
  return {
    oid,
    schema,
    relation,
    name: formatTableName({ schema, relation }),
    columns: Object.values(sketch.columns).map((type, index) => ({
      attnum: index + 1,
      name: names[index]!,
      type: {
        oid: 1,
        modifier: -1,
        kind: 'b',
        category: 'S',
        builtIn: true,
        padded: false,
        name: 'text',
        ...asType(type),
      },
      deterministic: true,
      withheld: false,
      isNull: false,
    })),
    key: key.map((name) => names.indexOf(name)),
    identity,
    indexes,
    generation,
    plan: 'plan',
  };
}

function asType(type: string | Partial<ColumnType>): Partial<ColumnType> {
  return typeof type === 'string' ? { name: type } : type;
}

/** The same table in a later copy. */
export function nextGeneration(table: RedactedTable, changed: Partial<RedactedTable> = {}): RedactedTable {
  return { ...table, generation: table.generation + 1, ...changed };
}

export function tuple(row: Row): Tuple<'redacted'> {
  const out = new ByteWriter(1024);
  out.uint16(row.length);
  for (const cell of row) {
    if (cell === null) out.byte(CELL_NULL);
    else if (cell === UNCHANGED) out.byte(CELL_UNCHANGED);
    else {
      out.byte(CELL_TEXT);
      out.uint32(Buffer.byteLength(cell));
      out.text(cell);
    }
  }
  return { bytes: out.view(), start: 0, end: out.length };
}

/** That of the copy's reads; and that of the changes that end at position 0x200, to which parts of a transaction belong. */
const COPIED: Transaction = { clsn: 0x100n, xid: null, commitTime: 0n };
const CHANGED: Transaction = { clsn: 0x1f8n, xid: 700, commitTime: 0n };

/** Changes are numbered in the order in which they are made, whatever transaction a test puts them into. */
let changes = 0;

function change(op: RedactedChange['op'], table: RedactedTable, parts: Partial<RedactedChange>): RedactedChange {
  const beforeIs = table.identity === 'full' ? 'row' : 'key';
  return { op, table, transaction: CHANGED, seq: ++changes, before: null, beforeIs, after: null, ...parts };
}

export function insert(table: RedactedTable, row: Row): RedactedChange {
  return change('insert', table, { after: tuple(row) });
}

/** `before` where Postgres sends an old image: the key alone (NULL elsewhere), or under REPLICA IDENTITY FULL the row. */
export function update(table: RedactedTable, row: Row, before?: Row): RedactedChange {
  return change('update', table, { after: tuple(row), before: before ? tuple(before) : null });
}

export function remove(table: RedactedTable, before: Row): RedactedChange {
  return change('delete', table, { before: tuple(before) });
}

export function truncate(table: RedactedTable): RedactedChange {
  return change('truncate', table, {});
}

/** A part of a transaction, or the events of a copy: nothing may be marked done behind it. */
export function part(changes: readonly RedactedChange[], events: readonly RedactedEvent[] = []): RedactedBatch {
  return batch({ changes, events });
}

/** One whole transaction, up to `pos`. */
export function upTo(pos: bigint, changes: readonly RedactedChange[] = []): RedactedBatch & { position: Position } {
  const position = positionAt(pos);
  const transaction = { ...CHANGED, clsn: position.witness!.clsn };
  return { ...batch({ changes: changes.map((change) => ({ ...change, transaction })) }), position };
}

export function reads(table: RedactedTable, number: number, rows: readonly Row[]): RedactedBatch {
  const changes = rows.map((row) => change('read', table, { after: tuple(row), seq: 0, transaction: COPIED }));
  return batch({ changes, chunk: { table, number } });
}

export function batch(parts: Partial<RedactedBatch>): RedactedBatch {
  const { changes = [] } = parts;
  return {
    events: [],
    changes,
    chunk: null,
    position: null,
    progress: { clsn: 0n, seq: 0 },
    bytes: changes.reduce((bytes, { after, before }) => bytes + size(after) + size(before), 0),
    entries: new Map(),
    ...parts,
  } as RedactedBatch;
}

function size(image: Tuple<'redacted'> | null): number {
  return image ? image.end - image.start : 0;
}

/** The batches of a whole copy in one chunk. */
export function copyOf(table: RedactedTable, rows: readonly Row[]): RedactedBatch[] {
  return [
    copyStarted(table),
    reads(table, 1, rows),
    batch({ events: [{ type: 'chunk finished', table, chunk: 1 }] }),
    copyRead(table),
    copyFinished(table),
  ];
}

/** As a source sends them: what follows `copy read` waits until the sink is done with it. */
export async function writeCopy(sink: Sink, batches: readonly RedactedBatch[]): Promise<void> {
  for (const one of batches) {
    await sink.write(one);
    for (const event of one.events) if (event.type === 'copy read') await sink.settled(event.table.name);
  }
}

export function copyRead(table: RedactedTable): RedactedBatch {
  return batch({ events: [{ type: 'copy read', table, generation: table.generation }] });
}

export function copyStarted(table: RedactedTable): RedactedBatch {
  const { generation } = table;
  return batch({
    events: [
      { type: 'defined', table, generation },
      { type: 'copy started', table, generation, lsn: 0x100n, fingerprint: FINGERPRINT },
    ],
    entries: new Map([[table.name, entryOf(table, { state: 'absent' })]]),
  });
}

export function copyFinished(table: RedactedTable): RedactedBatch {
  return batch({ events: [{ type: 'copy finished', table }], entries: new Map([[table.name, entryOf(table)]]) });
}

/** What a source may put there: sinks keep it as it is. */
const FINGERPRINT = { files: [16_384, 16_390], publication: '16400 755', truncatedBy: null };

export function entryOf(table: RedactedTable, state: TableState = { state: 'streaming' }): TableEntry {
  const { oid, plan, generation } = table;
  const binding = { number: 1, columns: table.columns.map(({ attnum, name }) => ({ attnum, name })) };
  const order = { copy: true, approved: 'a hash', byFlag: true, count: 3 };
  const known = { oid, formerly: [1, 4_000_000_000], binding, shape: shapeOf(table), fingerprint: FINGERPRINT };
  return { ...known, plan, key: 'fingerprint', generation, state, order };
}

const HISTORY: History = { systemIdentifier: '7380000000000000001', timeline: 1, databaseOid: 5, slot: 'pgveil_test' };

export function positionAt(pos: bigint): Position {
  return { pos, witness: { clsn: pos - 8n, xid: 4_000_000_000, commitTime: 812_345_678_901_234n }, history: HISTORY };
}
