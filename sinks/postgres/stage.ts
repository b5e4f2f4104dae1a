import type { ClientBase } from 'pg';
import { quoteName } from '../../src/postgres/quote.ts';
import { copyLines } from './lines.ts';
import { fit } from './names.ts';
import { query } from './query.ts';
import type { TwinTable } from './twin-table.ts';

/**
 * Temporary tables that changed rows pass through on their way into a generation: one per generation, made when first needed and
 * kept as long as the session. They empty themselves at the end of every transaction.
 */
export class Stage {
  readonly #client: ClientBase;
  readonly #epoch: bigint;
  readonly #made = new Set<string>();
  readonly #filled = new Set<string>();

  constructor(client: ClientBase, epoch: bigint) {
    this.#client = client;
    this.#epoch = epoch;
  }

  /** Puts lines, and nothing else, into the stage of a table; returns its name. */
  async fill(table: TwinTable, lines: Buffer): Promise<string> {
    const stage = `pg_temp.${quoteName(fit(`stage_${this.#epoch}_${table.relation}`, ''))}`;
    if (!this.#made.has(stage)) {
      await query(this.#client, `CREATE TEMPORARY TABLE ${stage} (LIKE ${table.generation}) ON COMMIT DELETE ROWS`);
      this.#made.add(stage);
    } else if (this.#filled.has(stage)) {
      await query(this.#client, `TRUNCATE ${stage}`);
    }
    this.#filled.add(stage);
    await copyLines(this.#client, table, stage, lines);
    return stage;
  }

  /** The transaction has ended, and with it the content. */
  ended(): void {
    this.#filled.clear();
  }
}
