import type { Config } from '../../../config/config.ts';
import { type Asked, askedOf } from '../../../connectors/postgres/catalog/reading.ts';
import { Moment } from '../../../connectors/postgres/copy/moment.ts';
import { define } from '../../../transforms/definition.ts';
import { deriveKeys } from '../../../transforms/keys.ts';
import { RowRedactor } from '../../../transforms/redactor.ts';
import type { RawBatch } from '../../core/batch.ts';
import type { Checkpoint } from '../../core/checkpoint.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Observe } from '../../core/observer.ts';
import type { RedactedTable } from '../../core/table.ts';
import type { Tuple } from '../../core/tuple.ts';
import type { SourceSide, SourceTables } from '../assembly.ts';

type Digest = (rows: readonly Tuple<'redacted'>[]) => Promise<Buffer>;

/** Tables that are looked at within so many ms share a snapshot: to take one, and read the catalog, takes longer than a small table. */
const SHARED_MS = 2_000;

/** The source's side of `verify`: what a copy of a table would give the sinks now. See Sides. */
export class MomentSource implements SourceTables {
  readonly #config: Config;
  readonly #asked: ReadonlyMap<string, Asked>;
  #moment: Moment | null = null;
  #taken = 0;

  constructor(config: Config, tables: readonly string[]) {
    this.#config = config;
    const asked = askedOf(config);
    this.#asked = new Map(tables.map((name) => [name, asked.get(name)!]));
  }

  async look(table: string, stored: Checkpoint, isAgain: boolean): Promise<SourceSide | string> {
    return sideOf(this.#config, table, await this.#now(isAgain), stored);
  }

  async close(): Promise<void> {
    const moment = this.#moment;
    this.#moment = null;
    await moment?.close();
  }

  /** Of the looks before nobody reads any more. */
  async #now(isAgain: boolean): Promise<Moment> {
    if (isAgain || performance.now() - this.#taken > SHARED_MS) await this.close();
    if (!this.#moment) {
      this.#moment = await Moment.open(this.#config, this.#asked);
      this.#taken = performance.now();
    }
    return this.#moment;
  }
}

function sideOf(config: Config, name: string, moment: Moment, stored: Checkpoint): SourceSide | string {
  const table = tableOf(config, name, moment, stored);
  if (typeof table === 'string') return table;
  const closing = new AbortController();
  const rows = (digest: Digest, observe: Observe) => {
    // Where rows come from is a copy, for the redactor too: one that follows the generation which the sink holds.
    const generation = table.generation + 1;
    const redactor = new RowRedactor(config, () => {});
    redactor.open(stored.tables);
    const batches = moment.read({ table: name, wanted: redactor.wanted, generation, observe, signal: closing.signal });
    return digests(batches, redactor, name, digest);
  };
  return { table, end: moment.end, rows, close: async () => closing.abort() };
}

/** What leaves of the table, or why that is not what the sink was given. */
function tableOf(config: Config, name: string, { reading }: Moment, stored: Checkpoint): RedactedTable | string {
  const { table, problem } = reading.tables.get(name)!;
  if (problem) return problem.message;
  const { plan } = define(table, config, deriveKeys(config.key), stored.tables);
  const entry = stored.tables.get(name)!;
  if (plan?.table.plan !== entry.plan || entry.oid !== table.oid) {
    return 'the table or its rules are not what was copied: a new copy is due';
  }
  return { ...plan.table, generation: entry.generation };
}

/** What is read of a chunk counts once the chunk is finished: one that is given up comes again. */
async function* digests(batches: AsyncIterable<RawBatch>, redactor: RowRedactor, table: string, digest: Digest) {
  const chunks = new Map<number, Buffer[]>();
  for await (const batch of batches) {
    const { events, changes, chunk } = redactor.redact(batch);
    for (const event of events) {
      if (event.type === 'stopped') {
        throw new PgveilError('rule_changed', `${table}: the source changed it meanwhile`, { table });
      }
      if (event.type !== 'chunk finished' && event.type !== 'chunk abandoned') continue;
      if (event.type === 'chunk finished') yield* chunks.get(event.chunk) ?? [];
      chunks.delete(event.chunk);
    }
    if (!chunk) continue;
    const made = await digest(changes.map(({ after }) => after!));
    chunks.set(chunk.number, [...(chunks.get(chunk.number) ?? []), made]);
  }
}
