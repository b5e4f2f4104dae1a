import { PgveilError } from '../../src/core/errors.ts';
import type { ColumnType, RedactedColumn, RedactedTable } from '../../src/core/table.ts';

/** Of a fixed length, or never longer than what would stand for it: Postgres keeps them in the row. */
const IN_THE_ROW: ReadonlySet<string> = new Set([
  ...['boolean', '"char"', 'name', 'uuid', 'oid', 'xid', 'xid8', 'cid', 'tid', 'pg_lsn', 'money'],
  ...['smallint', 'integer', 'bigint', 'real', 'double precision'],
  ...['date', 'interval', 'time without time zone', 'time with time zone'],
  ...['timestamp without time zone', 'timestamp with time zone'],
  ...['inet', 'cidr', 'macaddr', 'macaddr8', 'point', 'line', 'lseg', 'box', 'circle'],
]);
/** Of a numeric: so many are stored in 24 bytes, and nothing so small is taken out of a row. */
const DIGITS_IN_THE_ROW = 20;

/** Columns of which Postgres may leave out the value when an update leaves it alone: it stores them outside the row (TOAST), if they are large. */
export function unsentColumns({
  columns,
  key,
  identity,
}: Pick<RedactedTable, 'columns' | 'key' | 'identity'>): string[] {
  if (identity === 'full') return []; // the row before has it
  return columns.filter((column, index) => !key.includes(index) && mayBeUnsent(column)).map(({ name }) => name);
}

/** Throws `topic_unfit`: of a row in a compacted topic the message may be gone that had such a value. */
export function assertAllSent(table: Pick<RedactedTable, 'name' | 'columns' | 'key' | 'identity'>): void {
  const unsent = unsentColumns(table);
  if (unsent.length === 0) return;
  const message = `its topic is compacted, and Postgres leaves ${unsent.join(', ')} of ${table.name} out of an update that leaves them alone`;
  const full = `ALTER TABLE ${table.name} REPLICA IDENTITY FULL;`;
  const fix = `${full} or set \`unchanged: allow\` in the sink, or \`cleanup.policy=delete\` on the topic.`;
  throw new PgveilError('topic_unfit', message, { table: table.name, fix });
}

function mayBeUnsent({ type, isNull }: RedactedColumn): boolean {
  return !isNull && type.kind !== 'e' && !staysInTheRow(type);
}

function staysInTheRow({ name, builtIn }: ColumnType): boolean {
  if (!builtIn) return false;
  const digits = /^numeric\((\d+),/.exec(name)?.[1];
  if (digits !== undefined) return Number(digits) <= DIGITS_IN_THE_ROW;
  return IN_THE_ROW.has(name.replace(/\(\d+\)/, '')) || /^interval\b(?!.*\[)/.test(name);
}
