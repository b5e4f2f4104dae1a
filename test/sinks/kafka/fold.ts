// Reads topics back: what was committed, and what it amounts to under the rules of docs/05-kafka.md.
import type { Cluster } from '../../../sinks/kafka/cluster.ts';
import { readCommitted } from '../../../sinks/kafka/committed.ts';
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
      const header = new Map(headers.map(([name, text]) => [String(name), String(text)]));
      records.push({
        key: key!.toString('latin1'),
        op: header.get('pgveil.op')!,
        lsn: parseLsn(header.get('pgveil.commit_lsn')!),
        seq: Number(header.get('pgveil.seq')),
        generation: Number(header.get('pgveil.generation')),
        partition,
        value: value && (JSON.parse(value.toString()) as FlatValue),
      });
    }
  }
  return records;
}

/** The latest state of each row, in the latest generation that is complete in all partitions. */
export function fold(table: RedactedTable, records: readonly FlatRecord[]): Row[] {
  const partitions = new Set(records.map(({ partition }) => partition)).size;
  const complete = (generation: number) =>
    records.filter((record) => record.op === 'copy_end' && record.generation === generation).length === partitions;
  const generation = Math.max(0, ...records.map((record) => record.generation).filter(complete));
  const changes = records.filter((record) => record.generation === generation && !record.op.startsWith('copy_'));
  // The order of a partition is that of its keys; a row that moved to another key may have moved to another partition.
  const ordered = changes.toSorted((a, b) => Number(a.lsn - b.lsn) || a.seq - b.seq || order(a) - order(b));
  const names = table.columns.map(({ name }) => name);
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
  return [...last.values()].filter(({ isThere }) => isThere).map(({ cells }) => cells);
}

/** Of one change the part that takes a row away comes first. */
function order({ op }: FlatRecord): number {
  return op === 'd' ? 0 : 1;
}

function text(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
