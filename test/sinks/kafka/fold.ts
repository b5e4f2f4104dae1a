// Reads topics back: what was committed, and what it amounts to under the rules of docs/05-kafka.md.
import type { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { readCommitted } from '../../../sinks/kafka/client/committed.ts';
import { parseLsn } from '../../../src/core/lsn.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import type { Row } from '../../support/batches.ts';

/** A record of a `flat` topic, as any consumer sees it. */
export interface FlatRecord {
  readonly key: string;
  readonly op: string;
  readonly lsn: bigint;
  readonly seq: number;
  readonly generation: number;
  readonly partition: number;
  /** Null of a tombstone and of a marker. */
  readonly value: FlatValue | null;
}

export interface FlatValue {
  readonly [field: string]: unknown;
  readonly __previous_key?: string;
  readonly __unchanged?: readonly string[];
}

/** All committed records of a topic, partition by partition; none where the topic is not there. */
export async function flatRecords(cluster: Cluster, topic: string): Promise<FlatRecord[]> {
  const records: FlatRecord[] = [];
  const partitions = (await cluster.partitions(topic)) ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { key, value, headers } of readCommitted(cluster, topic, partition)) {
      const header = Object.fromEntries(headers.map(([name, text]) => [String(name), String(text)]));
      records.push(flatRecord(partition, key!.toString(), value?.toString() ?? null, header));
    }
  }
  return records;
}

/** One as any reader has it. */
export function flatRecord(
  partition: number,
  key: string,
  value: string | null,
  header: Readonly<Record<string, string>>,
): FlatRecord {
  return {
    key,
    op: header['pgveil.op']!,
    lsn: parseLsn(header['pgveil.commit_lsn']!),
    seq: Number(header['pgveil.seq']),
    generation: Number(header['pgveil.generation']),
    partition,
    value: value === null ? null : parse(value),
  };
}

/** The latest state of each row, in the latest generation that is complete in all partitions. */
export function fold(table: RedactedTable, records: readonly FlatRecord[]): Row[] {
  const names = table.columns.map(({ name }) => name);
  return [...foldByKey(names, records).values()];
}

/** The same by key: the texts of these columns. */
export function foldByKey(names: readonly string[], records: readonly FlatRecord[]): Map<string, (string | null)[]> {
  const partitions = new Set(records.map(({ partition }) => partition)).size;
  const complete = (generation: number) =>
    records.filter((record) => record.op === 'copy_end' && record.generation === generation).length === partitions;
  const generations = [...new Set(records.map((record) => record.generation))];
  const generation = Math.max(0, ...generations.filter(complete));
  const ofIt = new Set(generations.filter((one) => copyOf(one, records) === generation));
  const changes = records.filter((record) => ofIt.has(record.generation) && !record.op.startsWith('copy_'));
  // The order of a partition is that of its keys; a row that moved to another key may have moved to another partition.
  const ordered = changes.toSorted((a, b) => Number(a.lsn - b.lsn) || a.seq - b.seq || order(a) - order(b));
  const last = new Map<string, { cells: (string | null)[]; isThere: boolean }>();
  for (const { op, key, value } of ordered) {
    if (op === 't') last.clear();
    else if (value) {
      const earlier = last.get(value.__previous_key ?? key)?.cells;
      const kept = (index: number) => earlier?.[index] ?? null;
      const cells = names.map((name, i) => (value.__unchanged?.includes(name) ? kept(i) : text(value[name])));
      last.set(key, op === 'd' ? { cells: earlier ?? [], isThere: false } : { cells, isThere: true });
    }
  }
  return new Map([...last].filter(([, { isThere }]) => isThere).map(([key, { cells }]) => [key, cells]));
}

/** The copy that what is of this generation goes on from: where another sink was copied by itself, the number grows without one. */
export function copyOf(generation: number, records: readonly FlatRecord[]): number {
  const begun = records.filter((record) => record.op === 'copy_begin' && record.generation <= generation);
  return Math.max(0, ...new Set(begun.map((record) => record.generation)));
}

/** By key, the texts of these columns in its last record, where that is no tombstone: what a compacted topic amounts to in the end. */
export function latestByKey(names: readonly string[], records: readonly FlatRecord[]): Map<string, (string | null)[]> {
  const rows = records.filter(({ op }) => !op.startsWith('copy_') && op !== 't');
  const last = new Map(rows.map(({ key, value }) => [key, value]));
  return new Map([...last].flatMap(([key, value]) => (value ? [[key, names.map((name) => text(value[name]))]] : [])));
}

/** Changes and tombstones of a key that are there more than once, and reads that are more than once in a generation. */
export function twice(records: readonly FlatRecord[]): string[] {
  const rows = records.filter(({ op }) => !op.startsWith('copy_') && op !== 't');
  const places = rows.map(({ op, lsn, seq, generation, key, value }) =>
    [op, lsn, seq, generation, value === null, op === 'r' || value === null ? key : ''].join(' '),
  );
  return [...Map.groupBy(places, (place) => place)].filter(([, same]) => same.length > 1).map(([place]) => place);
}

/** Numbers keep their text: they may have more digits than a number of ours. */
function parse(json: string): FlatValue {
  const reviver = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' ? source : value;
  return JSON.parse(json, reviver as Parameters<typeof JSON.parse>[1]) as FlatValue;
}

/** Of one change the part that takes a row away comes first. */
function order({ op }: FlatRecord): number {
  return op === 'd' ? 0 : 1;
}

function text(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
