// Columns, tables and rows as the source would send them, from plain values.
import type { Config } from '../../config/config.ts';
import type { Decision, FakeOptions, Rule } from '../../config/rules.ts';
import type { Batch, Change, RawBatch, TableEvent, Transaction } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import type { Observation } from '../../src/core/observer.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Column, ColumnType, Table } from '../../src/core/table.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, CellReader, type Stage, type Tuple } from '../../src/core/tuple.ts';

type BaseType = [oid: number, category: string, kind?: ColumnType['kind'], builtIn?: boolean, padded?: boolean];

const TYPES: Readonly<Record<string, BaseType>> = {
  text: [25, 'S'],
  'character varying': [1043, 'S'],
  character: [1042, 'S', 'b', true, true],
  name: [19, 'S'],
  '"char"': [18, 'S'],
  smallint: [21, 'N'],
  integer: [23, 'N'],
  bigint: [20, 'N'],
  numeric: [1700, 'N'],
  real: [700, 'N'],
  'double precision': [701, 'N'],
  money: [790, 'N'],
  boolean: [16, 'B'],
  date: [1082, 'D'],
  'timestamp without time zone': [1114, 'D'],
  'timestamp with time zone': [1184, 'D'],
  'time without time zone': [1083, 'D'],
  interval: [1186, 'T'],
  uuid: [2950, 'U'],
  json: [114, 'U'],
  jsonb: [3802, 'U'],
  bytea: [17, 'U'],
  xml: [142, 'U'],
  inet: [869, 'I'],
  point: [600, 'G'],
  bit: [1560, 'V'],
  tsvector: [3614, 'U'],
  int4range: [3904, 'R', 'r'],
  int4multirange: [4451, 'R', 'm'],
  'text[]': [1009, 'A'],
  'integer[]': [1007, 'A'],
  'public.citext': [16500, 'S', 'b', false],
  'public.hstore': [16501, 'U', 'b', false],
  'public.ltree': [16502, 'U', 'b', false],
  'public.mood': [16503, 'E', 'e', false],
  'public.address': [16504, 'C', 'c', false],
  'public.email': [16505, 'S', 'd', false],
  'public.price': [16506, 'N', 'd', false],
  'public.birthday': [16507, 'D', 'd', false],
  'public.tags': [16508, 'A', 'd', false],
  /** A domain over char(10). */
  'public.plate': [16509, 'S', 'd', false, true],
};

/** `varchar(20)`, `char(5)`, `numeric(10,2)` or a name above. */
export function typeOf(written: string): ColumnType {
  const [, short = '', limits] = /^(.*?)(?:\(([-\d,]+)\))?$/.exec(written) ?? [];
  const name = { varchar: 'character varying', char: 'character' }[short] ?? short;
  const [oid, category, kind = 'b', builtIn = true, padded = false] = TYPES[name]!;
  return { oid, name: written, modifier: modifierOf(name, limits), kind, category, builtIn, padded };
}

function modifierOf(name: string, limits: string | undefined): number {
  if (limits === undefined) return -1;
  const [first = 0, second = 0] = limits.split(',').map(Number);
  return name === 'numeric' ? ((first << 16) | (second & 0x7ff)) + 4 : first + 4;
}

export function columnOf(type: string, name = 'c', attnum = 1): Column {
  return { attnum, name, type: typeOf(type), deterministic: true };
}

export interface TableSketch {
  readonly oid?: number;
  readonly relation?: string;
  /** Name to type, or to type and attnum; attnums count from 1 otherwise. */
  readonly columns: Readonly<Record<string, string | readonly [type: string, attnum: number]>>;
  /** The first column by default. */
  readonly key?: readonly string[];
  readonly identity?: Table<'raw'>['identity'];
  readonly indexes?: Table<'raw'>['indexes'];
}

export function tableOf({
  oid = 16400,
  relation = 't',
  columns,
  key,
  identity = 'default',
  indexes = [],
}: TableSketch) {
  const names = Object.keys(columns);
  const table: Table<'raw'> = {
    ...{ oid, schema: 'public', relation, name: `public.${relation}`, identity, indexes },
    columns: Object.entries(columns).map(([name, type], index) => {
      return typeof type === 'string' ? columnOf(type, name, index + 1) : columnOf(type[0], name, type[1]);
    }),
    key: (key ?? names.slice(0, 1)).map((name) => names.indexOf(name)),
  };
  return table;
}

export const keep: Decision = { kind: 'keep' };
export const drop: Decision = { kind: 'drop' };
export const nulled: Decision = { kind: 'null' };
export const hashed = (length = 32, semanticClass = 'hash', nulls = true): Rule => {
  return { kind: 'rule', name: 'hash', options: { length, class: semanticClass, nulls } };
};
export const masked = (first = 0, last = 0, cover = '*', nulls = true): Rule => {
  return { kind: 'rule', name: 'mask', options: { first, last, with: cover, nulls } };
};
export const truncated = (length: number): Rule => {
  return { kind: 'rule', name: 'truncate', options: { length, nulls: true } };
};
export const rounded = (digits: number): Rule => ({ kind: 'rule', name: 'round', options: { digits, nulls: true } });
export const constantly = (value: string, nulls = true): Rule => {
  return { kind: 'rule', name: 'constant', options: { value, nulls } };
};
export const faked = (kind: FakeOptions['kind'], options: Partial<FakeOptions> = {}): Rule => {
  return { kind: 'rule', name: 'fake', options: { kind, unique: false, locale: 'en', nulls: true, ...options } };
};

export const KEY = new Secret(Buffer.from('0123456789abcdef0123456789abcdef'));
export const OTHER_KEY = new Secret(Buffer.from('fedcba9876543210fedcba9876543210'));

export type Decisions = Pick<Config, 'key' | 'tables' | 'unlisted'>;

/** By table, by column. */
export function configOf(
  tables: Readonly<Record<string, Readonly<Record<string, Decision>>>>,
  { key = KEY, columns = 'withhold' }: { key?: Secret<Buffer>; columns?: 'withhold' | 'halt' } = {},
): Decisions {
  const entries = Object.entries(tables).map(([name, decisions]) => {
    const columns = new Map(Object.entries(decisions));
    return [name, { schema: 'public', relation: name.replace('public.', ''), key: null, columns }] as const;
  });
  return { key, tables: new Map(entries), unlisted: { columns } };
}

/** A value that Postgres did not send, because an update left it as it was and it is stored out of line. */
export const UNCHANGED = Symbol('unchanged TOAST');
export type Cell = string | null | typeof UNCHANGED;

/** Amid other bytes, as it comes out of a socket. */
export function tupleOf(...cells: readonly Cell[]): Tuple<'raw'> {
  const out = new ByteWriter(64);
  out.text('before');
  const start = out.length;
  out.uint16(cells.length);
  for (const cell of cells) {
    if (cell === null) out.byte(CELL_NULL);
    else if (cell === UNCHANGED) out.byte(CELL_UNCHANGED);
    else {
      out.byte(CELL_TEXT);
      out.uint32(Buffer.byteLength(cell));
      out.text(cell);
    }
  }
  const end = out.length;
  out.text('behind');
  return { bytes: out.view(), start, end };
}

/** The inverse. Throws where the tuple does not end with its last cell. */
export function cellsOf(tuple: Tuple<Stage> | null): Cell[] {
  if (!tuple) throw new TypeError('there is no tuple');
  const reader = new CellReader();
  const cells = Array.from({ length: reader.open(tuple) }, (): Cell => {
    reader.next();
    if (reader.kind === CELL_NULL) return null;
    return reader.kind === CELL_UNCHANGED ? UNCHANGED : reader.bytes.toString('utf8', reader.start, reader.end);
  });
  if (reader.end !== tuple.end) throw new RangeError('the tuple goes on behind its last cell');
  return cells;
}

export const TRANSACTION: Transaction = { clsn: 100n, xid: 7, commitTime: 0n };

export function changeOf(
  op: Change<'raw'>['op'],
  table: Table<'raw'>,
  { before = null, after = null, beforeIs = 'key' }: Partial<Change<'raw'>> = {},
): Change<'raw'> {
  return { op, table, transaction: TRANSACTION, seq: op === 'read' ? 0 : 1, before, beforeIs, after };
}

export const POSITION = {
  pos: 200n,
  witness: null,
  history: { systemIdentifier: '1', timeline: 1, databaseOid: 5, slot: 's' },
} as const;

export function batchOf(parts: Partial<Batch<'raw'>>): RawBatch {
  return {
    events: [],
    changes: [],
    chunk: null,
    position: null,
    progress: { clsn: 100n, seq: 1 },
    bytes: 1000,
    ...parts,
  };
}

/** All that a first copy of a table consists of, in one batch of events. */
export function copied(table: Table<'raw'>, generation = 1): TableEvent<'raw'>[] {
  return [
    { type: 'defined', table, generation },
    { type: 'copy started', table, generation, lsn: 100n, fingerprint: { copied: generation } },
    { type: 'copy finished', table },
  ];
}

/** What was observed, to be looked at. */
export class Observed {
  readonly all: Observation[] = [];
  readonly observe = (seen: Observation): void => {
    this.all.push(seen);
  };

  of<T extends Observation['type']>(type: T): Extract<Observation, { type: T }>[] {
    return this.all.filter((seen): seen is Extract<Observation, { type: T }> => seen.type === type);
  }
}
