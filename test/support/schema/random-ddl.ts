import type pg from 'pg';
import type { RandomChanges } from '../random/changes.ts';
import type { Random } from '../random/prng.ts';
import { ACTS } from './acts.ts';
import { type Act, Altered } from './altered.ts';

/** What two that change one catalog row at a time may meet: whoever it hits does it again. */
const PASSING = new Set(['40P01', 'XX000']);

export interface RandomDdlOptions {
  /** A superuser's session on the source. */
  readonly client: pg.Client;
  readonly random: Random;
  /** Its tables are altered, and know of it afterwards. */
  readonly changes: RandomChanges;
  /** By table name: the columns with a decision, and the SQL that makes the table with rows in it. */
  readonly tables: Readonly<Record<string, { readonly decided: readonly string[]; readonly create: string }>>;
  readonly publication: string;
  /** Told of each thing done. */
  readonly note: (line: string) => void;
}

/** Random DDL on the tables of random changes, each of which can be undone: at the end all tables are what they were at the start. */
export class RandomDdl {
  readonly #options: RandomDdlOptions;
  readonly #tables: readonly Altered[];

  constructor(options: RandomDdlOptions) {
    this.#options = options;
    this.#tables = options.changes.tables
      .filter(({ name }) => Object.hasOwn(options.tables, name))
      .map((table) => new Altered(table, options.tables[table.name]!.decided, options.tables[table.name]!.create));
  }

  /** Does one thing, or undoes one. */
  async step(): Promise<void> {
    const { random } = this.#options;
    const on = random.pick(this.#tables);
    const isStuck = on.has('away') || this.#absent >= this.#tables.length / 2;
    if (on.toUndo && (on.has('away') || random.chance(0.4))) return await this.#undo(on);
    if (isStuck) return await this.#undoAny();
    switch (random.weighted({ alone: 80, rolledBack: 10, together: 10, exchanged: 4 })) {
      case 'alone':
        return await this.#do(on, this.#choose(on));
      case 'rolledBack':
        return await this.#rollBack(on);
      case 'together':
        return await this.#together(on, random.pick(this.#tables));
      case 'exchanged':
        return await this.#exchange(on, random.pick(this.#tables));
    }
  }

  /** Undoes all that is left to undo. */
  async undoAll(): Promise<void> {
    for (const on of this.#tables) while (on.toUndo) await this.#undo(on);
  }

  get #absent(): number {
    return this.#tables.filter((on) => on.has('away')).length;
  }

  #choose(on: Altered): Act {
    const { random } = this.#options;
    for (;;) {
      const act = random.chance(0.05) ? this.#unpublished(on) : random.pick(ACTS)(on, random);
      if (act) return act;
    }
  }

  async #do(on: Altered, act: Act): Promise<void> {
    await this.#send(`${on.relation}: ${act.what}`, act.sql);
    await this.#did(on, act);
  }

  async #did(on: Altered, act: Act): Promise<void> {
    on.done(act);
    await this.#options.changes.reload([on.table]);
  }

  async #undo(on: Altered): Promise<void> {
    const act = on.toUndo!;
    await this.#send(`${on.relation}: no more ${act.what}`, act.undo!);
    const undone = act.partner ? [on, act.partner] : [on];
    for (const one of undone) one.undone();
    await this.#options.changes.reload(undone.map(({ table }) => table));
  }

  async #undoAny(): Promise<void> {
    const { random } = this.#options;
    await this.#undo(random.pick(this.#tables.filter(({ toUndo }) => toUndo)));
  }

  /** What was never committed must leave no trace. */
  async #rollBack(on: Altered): Promise<void> {
    const act = this.#choose(on);
    if (act.alone) return await this.#do(on, act);
    const { random, changes } = this.#options;
    const inner = act.sql.map((sql) => sql.replace(/^BEGIN; |; COMMIT$/g, '')).join('; ');
    const rest = random.chance(0.5)
      ? `ROLLBACK TO here; ${changes.statements(5).statements.join('; ')}; COMMIT`
      : 'ROLLBACK';
    await this.#send(`${on.relation}: rolled back: ${act.what}`, [`BEGIN; SAVEPOINT here; ${inner}; ${rest}`]);
  }

  /** Two things in one transaction. */
  async #together(one: Altered, other: Altered): Promise<void> {
    if (one === other || other.has('away')) return await this.#do(one, this.#choose(one));
    const acts = [this.#choose(one), this.#choose(other)] as const;
    if (acts.some(({ alone }) => alone)) return await this.#do(one, acts[0]);
    const sql = acts.flatMap(({ sql }) => sql.map((part) => part.replace(/^BEGIN; |; COMMIT$/g, '')));
    const what = `${one.relation}: ${acts[0].what}, and ${other.relation}: ${acts[1].what}`;
    await this.#send(what, [`BEGIN; ${sql.join('; ')}; COMMIT`]);
    await this.#did(one, acts[0]);
    await this.#did(other, acts[1]);
  }

  /** Either has the other one's name for a while. */
  async #exchange(one: Altered, other: Altered): Promise<void> {
    const isFit = one !== other && [one, other].every((on) => !on.has('away', 'detached') && !on.isPartitioned);
    if (!isFit) return await this.#do(one, this.#choose(one));
    const renames = [
      `${one.name} RENAME TO between`,
      `${other.name} RENAME TO ${one.relation}`,
      `between RENAME TO ${other.relation}`,
    ];
    const sql = [`BEGIN; ${renames.map((rename) => `ALTER TABLE ${rename}`).join('; ')}; COMMIT`];
    const act = { what: `exchanged names with ${other.relation}`, sql, undo: sql, leaves: 'away' } as const;
    const names = [other.name, one.name] as const;
    await this.#send(`${one.relation}: ${act.what}`, sql);
    await this.#did(one, { ...act, name: names[0], partner: other });
    await this.#did(other, { ...act, name: names[1], partner: one });
  }

  /** A person takes it out of the publication, and in again unless that was done by then. */
  #unpublished(on: Altered): Act {
    const { publication } = this.#options;
    const add = `ALTER PUBLICATION ${publication} ADD TABLE ONLY ${on.name}`;
    return {
      what: 'out of the publication',
      sql: [
        `DO $$ BEGIN ALTER PUBLICATION ${publication} DROP TABLE ONLY ${on.name};
          EXCEPTION WHEN undefined_object THEN NULL; END $$`,
      ],
      undo: [`DO $$ BEGIN ${add}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`],
      leaves: 'away',
    };
  }

  async #send(what: string, sql: readonly string[]): Promise<void> {
    const { client, note } = this.#options;
    const began = performance.now();
    for (const part of sql) await this.#sendOne(client, part);
    note(`${what} (${Math.round(performance.now() - began)} ms)`);
  }

  async #sendOne(client: pg.Client, sql: string): Promise<void> {
    for (;;) {
      try {
        await client.query(sql);
        return;
      } catch (error) {
        await client.query('ROLLBACK');
        if (!PASSING.has((error as { code?: string }).code ?? ''))
          throw new Error(`${sql}\n${error}`, { cause: error });
        this.#options.note(`again, because of ${(error as Error).message}`);
      }
    }
  }
}
