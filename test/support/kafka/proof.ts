// Whether `flat` topics hold each change once: read by confluent-kafka, and compared with what Postgres's own decoding says and with the twin.
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { copyOf, type FlatRecord, flatRecord, twice } from '../../sinks/kafka/fold.ts';
import { idsOf, markersWritten, plainConnection } from '../../sinks/kafka/parts.ts';
import type { Witness, WitnessedChange } from '../schema/witness.ts';
import type { Trial } from '../trial/trial.ts';
import { readTopic } from './reader.ts';
import { foldDifferences, topicOf } from './topics.ts';

/** How often what was committed is in the topics. */
export interface Tally {
  readonly changes: number;
  readonly missing: number;
  readonly double: number;
  /** Changes that nobody committed. */
  readonly unknown: number;
}

export interface Proof extends Tally {
  readonly records: number;
  /** Rows that are not as the twin has them. */
  readonly different: readonly string[];
}

/** Source, topics and twin must be quiet. */
export async function prove(brokers: readonly string[], trial: Trial, witness: Witness): Promise<Proof> {
  const cluster = new Cluster(plainConnection(brokers));
  const committed = Map.groupBy(await witness.changes(), ({ table }) => table);
  let proof: Proof = { records: 0, changes: 0, missing: 0, double: 0, unknown: 0, different: [] };
  try {
    await markersWritten(cluster, idsOf(trial.name));
    for (const table of Object.keys(trial.tables)) {
      const topic = topicOf(trial.name, table);
      const read = await readTopic(brokers, topic, (await cluster.partitions(topic))!);
      const records = read.map(([partition, , key, value, header]) => flatRecord(partition, key!, value, header));
      const { changes, missing, double, unknown } = tally(records, committed.get(table) ?? []);
      proof = {
        records: proof.records + records.length,
        changes: proof.changes + changes,
        missing: proof.missing + missing,
        double: proof.double + double,
        unknown: proof.unknown + unknown,
        different: [...proof.different, ...(await foldDifferences(records, trial.twin, table))],
      };
    }
    return proof;
  } finally {
    await cluster.close();
  }
}

/** Of one table, of its last copy and since. */
export function tally(records: readonly FlatRecord[], committed: readonly Omit<WitnessedChange, 'table'>[]): Tally {
  const generation = copyOf(Number.POSITIVE_INFINITY, records);
  const last = records.filter((record) => record.generation >= generation);
  const { lsn: copied } = last.find(({ op }) => op === 'copy_begin')!;
  const expected = new Set(committed.filter(({ lsn }) => lsn >= copied).map(placeOf));
  const found = new Set(last.filter(({ op }) => ['c', 'u', 'd'].includes(op)).map(placeOf));
  return {
    changes: expected.size,
    missing: [...expected].filter((place) => !found.has(place)).length,
    double: twice(records).length,
    unknown: [...found].filter((place) => !expected.has(place)).length,
  };
}

function placeOf({ lsn, seq }: Pick<WitnessedChange, 'lsn' | 'seq'>): string {
  return `${lsn} ${seq}`;
}
