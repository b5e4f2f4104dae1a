import { PgveilError } from '../../core/errors.ts';
import type { Observe } from '../../core/observer.ts';
import type { Sides, SourceTables } from '../assembly.ts';
import { type Compared, compare } from './compare.ts';
import { Looks, type LooksOptions, NotComparable, type Quiet } from './looks.ts';

/** One table of one sink. */
export interface Verified {
  readonly table: string;
  readonly sink: string;
  readonly result: Compared | { readonly skipped: string };
}

export interface VerifyOptions {
  readonly sides: Sides;
  readonly tables: readonly string[];
  readonly sinks: readonly string[];
  /** Of the keys: 0 to 1. */
  readonly share: number;
  /** How long a sink that is behind is waited for. */
  readonly timeoutMs: number;
  /** What is being compared, and with whom. */
  readonly begun: (table: string, sink: string) => void;
  readonly observe: Observe;
}

/** Compares one table after another with one sink after another, and hands over each result. Rejects with what keeps it from going on. */
export async function* verify(options: VerifyOptions): AsyncGenerator<Verified> {
  const source = options.sides.source(options.tables);
  try {
    for (const sink of options.sinks) yield* verifySink(options, sink, source);
  } finally {
    await source.close();
  }
}

async function* verifySink(options: VerifyOptions, sink: string, source: SourceTables): AsyncGenerator<Verified> {
  const comparer = options.sides.sinks.get(sink)!.comparer();
  const quiet: Quiet = { pos: -1n, end: -1n };
  try {
    for (const table of options.tables) {
      options.begun(table, sink);
      const { share } = options;
      yield { table, sink, result: await verifyTable({ ...options, sink, table, source, comparer, quiet }, share) };
    }
  } finally {
    await comparer.close();
  }
}

async function verifyTable(options: LooksOptions, share: number): Promise<Verified['result']> {
  try {
    const looks = await Looks.begin(options);
    try {
      return await compare((patient) => looks.open(patient), share);
    } finally {
      // Of a table that was copied anew meanwhile neither a result nor an error says anything.
      await looks.confirm();
    }
  } catch (error) {
    if (error instanceof NotComparable || isChanged(error)) return { skipped: error.message };
    throw error;
  }
}

/** It is not the table any more that it was at the beginning. */
function isChanged(error: unknown): error is PgveilError {
  return error instanceof PgveilError && error.code === 'rule_changed' && error.table !== null;
}

export function isEqual({ result }: Verified): boolean {
  return 'skipped' in result || result.missing + result.extra + result.different === 0;
}
