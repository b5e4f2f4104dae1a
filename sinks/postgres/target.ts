import type { Checkpoint } from '../../src/core/checkpoint.ts';
import type { Comparer } from '../../src/core/comparison.ts';
import { type Finding, PgveilError } from '../../src/core/errors.ts';
import type { Identity } from '../../src/core/identity.ts';
import type { Observe } from '../../src/core/observer.ts';
import type { LeavingTable, Remains, Target } from '../../src/core/target.ts';
import { identify } from '../../src/postgres/identity.ts';
import { checkTwin } from './check/check.ts';
import { unmatchedTypes } from './check/unmatched-types.ts';
import { TwinComparer } from './comparison.ts';
import { dropPipeline, findMade, findWriter } from './drop.ts';
import { storedCheckpoint } from './look.ts';
import { type TwinOptions, withTwin } from './session.ts';
import { PostgresSink } from './sink.ts';

/** A twin as the commands see it. */
export class TwinTarget implements Target {
  readonly #options: TwinOptions;

  constructor(options: TwinOptions) {
    this.#options = options;
  }

  sink(observe: Observe): PostgresSink {
    return new PostgresSink(this.#options, observe);
  }

  async check(): Promise<readonly Finding[]> {
    return await checkTwin(this.#options);
  }

  async checkTables(tables: readonly LeavingTable[]): Promise<readonly Finding[]> {
    return unmatchedTypes(this.#options, tables);
  }

  reserves({ name }: { readonly name: string }): boolean {
    return name === this.#options.sourcePrimaryKey;
  }

  async identity(): Promise<Identity> {
    return await withTwin(this.#options, (client) => identify(client, 'twin'));
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return await storedCheckpoint(this.#options);
  }

  comparer(): Comparer {
    return new TwinComparer(this.#options);
  }

  async remains(): Promise<readonly Remains[]> {
    const { name } = this.#options;
    const writer = await findWriter(this.#options);
    if (writer !== null) {
      const message = `an instance of this pipeline writes there, by the session with pid ${writer}`;
      throw new PgveilError('slot_in_use', `sink ${name}: ${message}`, { sink: name, fix: 'Stop it first.' });
    }
    const { checkpoint, tables } = await findMade(this.#options);
    if (!checkpoint && tables.length === 0) return [];
    const count = tables.length === 1 ? '1 table' : `${tables.length} tables`;
    const what = `checkpoint and ${count} in sink ${name}`;
    return [{ what, remove: () => dropPipeline(this.#options) }];
  }
}
