import type { Config } from '../../../config/config.ts';
import { askedOf } from '../../../connectors/postgres/catalog/reading.ts';
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
import type { SourceSide } from '../assembly.ts';

type Digest = (rows: readonly Tuple<'redacted'>[]) => Promise<Buffer>;

/** The source's side of `verify`: what a copy of the table would give the sinks now. See Sides. */
export async function openSource(config: Config, name: string, stored: Checkpoint): Promise<SourceSide | string> {
  const moment = await Moment.open(config, new Map([[name, askedOf(config).get(name)!]]));
  const table = tableOf(config, name, moment, stored);
  if (typeof table === 'string') {
    await moment.close();
    return table;
  }
  const closing = new AbortController();
  const rows = (digest: Digest, observe: Observe) => {
    // Where rows come from is a copy, for the redactor too: one that follows the generation which the sink holds.
    const generation = table.generation + 1;
    const redactor = new RowRedactor(config, () => {});
    redactor.open(stored.tables, new Map());
    const batches = moment.read({ wanted: redactor.wanted, generation, observe, signal: closing.signal });
    return digests(batches, redactor, name, digest);
  };
  const close = async () => {
    closing.abort();
    await moment.close();
  };
  return { table, end: moment.end, rows, close };
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
