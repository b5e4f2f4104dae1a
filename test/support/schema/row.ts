// A schema change and what must become of its table: one row of the table that test/e2e/schema-rows.test.ts runs.
import { canary } from '../judge/canary.ts';
import type { TableDecisions, Tables } from '../judge/decisions.ts';
import type { Major } from '../postgres/majors.ts';

/** In every row's ruled column: it must not leave, under whatever name it stands. */
export const ssn = canary('a social security number');

/**
 * Each row has a schema of its own, which its SQL runs in: tables are named without one, and `$schema` and `$publication` stand for the
 * names of that schema and of the pipeline's publication. Rows with the same `pipeline` run together in one.
 */
export interface Row {
  /** A sentence: what is done, and what comes of it. */
  readonly name: string;
  /** Makes the tables and fills them; PERSON if it does not say. */
  readonly setup?: string;
  /** By default PERSON's. As in the configuration, but without the schema. */
  readonly tables?: Tables;
  /** What is done: each statement, or several with `;` between them, in a transaction of its own. */
  readonly ddl: readonly string[];
  /** DML once all is as it should be: it has to arrive. */
  readonly later?: readonly string[];
  /** Of statements that Postgres refuses inside a transaction. */
  readonly outside?: true;
  /** Tables that the configuration has differently from then on; the service is started anew. */
  readonly configured?: Tables;
  readonly ends: Ends;
  /** How else it ends in some circumstance. */
  readonly except?: Partial<Record<Circumstance, Ends>>;
  /** Tables of the row that it happens to; all of them if it does not say. The others must go on as they were. */
  readonly concerns?: readonly string[];
  /** DML under load and around the change; `at` counts. What the definition of the moment does not allow is left out. */
  readonly dml?: (at: number) => readonly string[];
  /** What is changed first where two changes meet one copy; a column more, if it does not say. */
  readonly first?: readonly string[];
  readonly pipeline?: Pipeline;
  /** The first major that has what it is about. */
  readonly since?: Major;
}

export type Ends =
  /** Copied anew, and equal. */
  | { readonly as: 'recopied'; readonly equals?: Tables; readonly warns?: string; readonly says?: RegExp }
  /** The generation it had, and equal. */
  | { readonly as: 'unchanged'; readonly equals?: Tables }
  /** Halted with this code, its old content readable; and after the fix, equal. */
  | { readonly as: 'halted'; readonly code: string; readonly fix?: Fix };

/** SQL, or another configuration and with it a restart. */
export interface Fix {
  readonly sql?: readonly string[];
  readonly tables?: Tables;
  /** Decisions by the names that the columns have then, where those are not what is configured. */
  readonly equals?: Tables;
}

/** When it is done. See circumstances.ts. */
export const CIRCUMSTANCES = ['idle', 'load', 'transaction', 'down', 'snapshot', 'recopy', 'twice'] as const;
export type Circumstance = (typeof CIRCUMSTANCES)[number];

/** Those in which no copy was under way: an unchanged table keeps its generation, a changed one gets another, a halted one its content. */
export const isQuiet = (circumstance: Circumstance) => !['snapshot', 'recopy', 'twice'].includes(circumstance);

/** What a whole pipeline is set up with. */
export const PIPELINES = {
  'a publication of ours': { since: 14 },
  'FOR ALL TABLES': { since: 14, publication: () => 'FOR ALL TABLES' },
  'FOR TABLES IN SCHEMA': { since: 15, publication: (schemas) => `FOR TABLES IN SCHEMA ${schemas.join()}` },
  'our publication changed': { since: 14, concernsAll: true },
  'a publication made anew': { since: 14, publication: () => 'FOR ALL TABLES', concernsAll: true },
  'unlisted.columns: halt': { since: 14, others: { unlisted: { columns: 'halt' } } },
} as const satisfies Record<string, PipelineSettings>;

export type Pipeline = keyof typeof PIPELINES;

export interface PipelineSettings {
  readonly since: Major;
  /** What CREATE PUBLICATION says behind the name, where pgveil does not make it. */
  readonly publication?: (schemas: readonly string[]) => string;
  /** What happens there happens to every table. */
  readonly concernsAll?: true;
  /** More keys of the configuration. */
  readonly others?: Readonly<Record<string, unknown>>;
}

export const PERSON = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, 'note ' || i FROM generate_series(1, 100) i`;

export const person: TableDecisions = { columns: { id: 'keep', ssn: 'hash', note: 'keep' } };

/** By default: a row of every table inserted, changed, given another key and deleted. No number is written anew, since by then something else may be called so. */
export function dmlOf({ tables = { person }, dml }: Row, at: number): readonly string[] {
  if (dml) return dml(at);
  const id = 1 + ((at * 7) % 100);
  return Object.keys(tables).flatMap((table) => [
    `INSERT INTO ${table} (id) VALUES (${10_000 + at})`,
    `UPDATE ${table} SET ssn = ssn || '.' WHERE id = ${id}`,
    `UPDATE ${table} SET id = id + 1000000 WHERE id = ${id + 1}`,
    `DELETE FROM ${table} WHERE id = ${id + 2}`,
  ]);
}
