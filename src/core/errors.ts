import { CONFIG_ERRORS } from './config-errors.ts';
import type { Kind } from './error-kind.ts';
import { PIPELINE_ERRORS } from './pipeline-errors.ts';
import { SERVER_ERRORS } from './server-errors.ts';
import { SINK_ERRORS } from './sink-errors.ts';
import { TABLE_ERRORS } from './table-errors.ts';
import { TABLE_WARNINGS } from './table-warnings.ts';

/** Every error that pgveil knows: the only table of its kind. Codes are stable; docs/errors.md is generated from here. */
export const ERRORS = {
  ...CONFIG_ERRORS,
  ...PIPELINE_ERRORS,
  ...SINK_ERRORS,
  ...SERVER_ERRORS,
  ...TABLE_ERRORS,
  ...TABLE_WARNINGS,
} as const satisfies Record<string, Kind>;

export type ErrorCode = keyof typeof ERRORS;

/** One thing that stands in the way, as `check` lists it. */
export interface Finding {
  readonly code: ErrorCode;
  /** What it is about: a table, a path in the configuration, a setting. */
  readonly object: string;
  readonly message: string;
  /** What to do; SQL where SQL is the fix. */
  readonly fix: string;
}

/** The one class of errors that leave a part. Its message never holds a value: of a row, a key, or a secret. */
export class PgveilError extends Error {
  readonly code: ErrorCode;
  readonly fix: string;
  /** The table's name where the error concerns one table alone. */
  readonly table: string | null;
  /** The sink that it came from, as configured. */
  readonly sink: string | null;

  constructor(code: ErrorCode, message: string, about: About = {}) {
    super(message);
    this.name = 'PgveilError';
    this.code = code;
    this.table = about.table ?? null;
    this.sink = about.sink ?? null;
    this.fix = about.fix ?? ERRORS[code].fix;
  }

  get kind(): Kind {
    return ERRORS[this.code];
  }
}

interface About {
  readonly table?: string | null;
  readonly sink?: string;
  readonly fix?: string;
}

/** What a sink threw, saying which one: there may be several of a kind. Anything but an error of ours stays what it is. */
export function ofSink(sink: string, thrown: PgveilError): PgveilError;
export function ofSink(sink: string, thrown: unknown): unknown;
export function ofSink(sink: string, thrown: unknown): unknown {
  if (!(thrown instanceof PgveilError) || thrown.sink !== null) return thrown;
  const { code, message, table, fix } = thrown;
  return new PgveilError(code, `sink ${sink}: ${message}`, { table, sink, fix });
}
