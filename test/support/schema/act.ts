// What the acts are made with.

import type { Random } from '../random/prng.ts';
import type { RandomColumn } from '../random/table.ts';
import type { Act, Altered } from './altered.ts';

/** Makes an act of its kind for a table as it is, or null where there is none. */
export type Maker = (on: Altered, random: Random) => Act | null;

export type Makers = Readonly<Record<string, Maker>>;

export const transaction = (...statements: string[]) => [`BEGIN; ${statements.join('; ')}; COMMIT`];

export function withColumn(on: Altered, random: Random, make: (column: RandomColumn) => Act | null): Act | null {
  const [column] = on.some(random, 1) ?? [];
  return column ? make(column) : null;
}

export function withColumns(
  on: Altered,
  random: Random,
  make: (one: RandomColumn, other: RandomColumn) => Act | null,
): Act | null {
  const [one, other] = on.some(random, 2) ?? [];
  return one && other ? make(one, other) : null;
}

export function keyed({ name, relation }: Altered, columns: readonly string[]): string[] {
  return [
    `ALTER TABLE ${name} DROP CONSTRAINT ${relation}_pkey`,
    `ALTER TABLE ${name} ADD CONSTRAINT ${relation}_pkey PRIMARY KEY (${columns.join(', ')})`,
  ];
}

export const assignKey = ({ table }: Altered) => `${table.key[0]!.name} = ${table.key[0]!.name}`;

export function someRows({ table }: Altered): string {
  const keys = table.key.map(({ name }) => name).join(', ');
  return `(${keys}) IN (SELECT ${keys} FROM ${table.name} ORDER BY ${keys} LIMIT 5)`;
}
