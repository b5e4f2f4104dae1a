// Whether lake and topics hold each change of a soak once: each row counts its own changes.
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '../../sinks/kafka/client/cluster.ts';
import { readCommitted } from '../../sinks/kafka/client/committed.ts';
import { DeltaLog } from '../../sinks/lake/delta/log.ts';
import { Duck, literal } from '../../sinks/lake/parquet/duck.ts';
import type { Storage } from '../../sinks/lake/storage/storage.ts';
import { idsOf, markersWritten, plainConnection } from '../sinks/kafka/parts.ts';
import { topicOf } from '../support/kafka/topics.ts';

export interface Tally {
  /** Rows read by copies, and changes. */
  events: number;
  missing: number;
  double: number;
}

const DELETED = -1;

/** Takes what happened to the rows of one generation of a table, of each row in its order. */
class Chain {
  readonly #versions = new Map<string, number>();
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** `op` as in docs/05-kafka.md; `version` is the row's after it. */
  take(op: string, key: string, version: number): void {
    const before = this.#versions.get(key);
    this.#tally.events++;
    if (op === 'd') {
      if (before === undefined) this.#tally.missing++;
      if (before === DELETED) this.#tally.double++;
    } else if (op === 'u') {
      if (before === undefined || version > before + 1) this.#tally.missing++;
      else if (version <= before || before === DELETED) this.#tally.double++;
    } else if (before !== undefined) this.#tally.double++;
    else if (op === 'c' && version !== 1) this.#tally.missing++;
    this.#versions.set(key, op === 'd' ? DELETED : version);
  }
}

/** Of all generations, those of copies that came to nothing among them. */
export async function tallyTopics(brokers: readonly string[], pipeline: string, tables: readonly string[]) {
  const cluster = new Cluster(plainConnection(brokers));
  const tally: Tally = { events: 0, missing: 0, double: 0 };
  try {
    await markersWritten(cluster, idsOf(pipeline));
    for (const table of tables) {
      const topic = topicOf(pipeline, table);
      for (let partition = 0; partition < (await cluster.partitions(topic))!; partition++) {
        const chains = new Map<string, Chain>();
        for await (const { key, value, headers } of readCommitted(cluster, topic, partition)) {
          const header = Object.fromEntries(headers.map(([name, text]) => [String(name), String(text)]));
          const [op, generation] = [header['pgveil.op']!, header['pgveil.generation']!];
          if (value === null || op.startsWith('copy_')) continue;
          if (!chains.has(generation)) chains.set(generation, new Chain(tally));
          chains.get(generation)!.take(op, key!.toString(), Number(JSON.parse(value.toString()).version));
        }
      }
    }
    return tally;
  } finally {
    await cluster.close();
  }
}

/** Of the present generation. */
export async function tallyLake(storage: Storage, tables: readonly string[]): Promise<Tally> {
  const duck = await Duck.open(join(tmpdir(), `pgveil-soak-${randomUUID()}`));
  const tally: Tally = { events: 0, missing: 0, double: 0 };
  try {
    for (const table of tables) await tallyTable(storage, duck, table.replace('.', '/'), new Chain(tally));
    return tally;
  } finally {
    await duck.close();
  }
}

async function tallyTable(storage: Storage, duck: Duck, folder: string, chain: Chain): Promise<void> {
  const { files } = await new DeltaLog(storage, duck, folder).read();
  const local: string[] = [];
  const connection = await duck.connect();
  try {
    for (const name of files.keys()) {
      local.push(duck.path('parquet'));
      await writeFile(local.at(-1)!, (await storage.get(`${folder}/${name}`))!);
    }
    const reader = await connection.runAndReadAll(
      `SELECT _op, source_primary_key, version FROM read_parquet([${local.map(literal).join()}], union_by_name = true)
       ORDER BY _commit_lsn, _seq`,
    );
    for (const [op, key, version] of reader.getRowsJson()) chain.take(String(op), String(key), Number(version));
  } finally {
    connection.closeSync();
    await Promise.all(local.map((file) => rm(file, { force: true })));
  }
}
