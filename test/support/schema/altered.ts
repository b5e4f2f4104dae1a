import type { Random } from '../random/prng.ts';
import type { RandomColumn, RandomTable } from '../random/table.ts';

/** What somebody does to a table, and how it is undone. Each piece of SQL is sent by itself: one statement, or a whole transaction. */
export interface Act {
  readonly what: string;
  readonly sql: readonly string[];
  /** Nothing where it leaves nothing to undo. */
  readonly undo?: readonly string[];
  readonly leaves?: Mark;
  /** Under which name the table is found until it is undone. */
  readonly name?: string;
  /** Cannot be part of a transaction. */
  readonly alone?: boolean;
  /** With which table it exchanged names: undone in both at once. */
  readonly partner?: Altered;
  /** Makes the table anew: what was to be undone before is gone with the old one. */
  readonly anew?: boolean;
}

/**
 * What a table is while something is not undone. `away`: nothing else is done to it but rows; `moved`: nothing to its columns, since
 * what becomes of them would depend on what was seen meanwhile; `detached`: neither, the two would not fit any more; `identity` and
 * `key` are other ones.
 */
export type Mark = 'away' | 'moved' | 'detached' | 'identity' | 'key';

/** A table that is altered, with what is to be undone in it: the last first. */
export class Altered {
  readonly table: RandomTable;
  /** Its columns with a decision. */
  readonly decided: readonly string[];
  /** Its own name, without the schema. */
  readonly relation: string;
  /** The SQL that makes it with rows in it. */
  readonly create: string;
  readonly isPartitioned: boolean;
  readonly #home: string;
  #pending: Act[] = [];
  #numbers = 0;

  constructor(table: RandomTable, decided: readonly string[], create: string) {
    this.table = table;
    this.decided = decided;
    this.relation = table.name.slice(table.name.indexOf('.') + 1);
    this.create = create;
    this.isPartitioned = create.includes('PARTITION BY');
    this.#home = table.name;
  }

  get name(): string {
    return this.table.name;
  }

  has(...marks: readonly Mark[]): boolean {
    return this.#pending.some(({ leaves }) => leaves !== undefined && marks.includes(leaves));
  }

  get toUndo(): Act | undefined {
    return this.#pending.at(-1);
  }

  done(act: Act): void {
    if (act.anew) this.#pending = [];
    if (act.undo) this.#pending.push(act);
    if (act.name) this.table.name = act.name;
  }

  undone(): void {
    const act = this.#pending.pop();
    if (act?.name) this.table.name = this.#home;
  }

  /** For a name that nothing had before. */
  nextNumber(): number {
    return ++this.#numbers;
  }

  /** Its columns under their own names, without those of the key. */
  get columns(): RandomColumn[] {
    const { columns, key } = this.table;
    return columns.filter((column) => this.decided.includes(column.name) && !key.includes(column));
  }

  /** Those that somebody added and nobody decided on. */
  get extras(): string[] {
    return this.table.columns.map(({ name }) => name).filter((name) => name.startsWith('extra'));
  }

  /** Some of them in random order; null where there are not so many. */
  some(random: Random, count: number, columns = this.columns): RandomColumn[] | null {
    const left = [...columns];
    const chosen = Array.from({ length: Math.min(count, left.length) }, () => {
      return left.splice(random.int(0, left.length - 1), 1)[0]!;
    });
    return chosen.length === count ? chosen : null;
  }
}
