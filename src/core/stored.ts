import { PgveilError } from './errors.ts';

/** Whether a value that was stored has a form. */
export type Is = (value: unknown) => boolean;

export const isInteger: Is = Number.isInteger;
export const isText: Is = (value) => typeof value === 'string';
export const isFlag: Is = (value) => typeof value === 'boolean';

export function isListOf(is: Is): Is {
  return (value) => Array.isArray(value) && value.every(is);
}

export function isNullOr(is: Is): Is {
  return (value) => value === null || is(value);
}

/** Whether it has these members; others are for whoever knows them. */
export function isObjectOf(members: Readonly<Record<string, Is>>): Is {
  const all = Object.entries(members);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    all.every(([name, is]) => is((value as Record<string, unknown>)[name]));
}

/** Throws a TypeError where it has another form: what is missing would be missed much later, and by somebody else. */
export function assertForm(value: unknown, is: Is): void {
  if (!is(value)) throw new TypeError('not what was stored');
}

/**
 * What a sink stored of its checkpoint, as `read` makes it. Where that throws it is `checkpoint_damaged`: `place` names what it was read
 * from, and nothing tells of what stands there.
 */
export function readStored<T>(place: string, fix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof PgveilError) throw error;
    throw damaged(`${place} is not what pgveil wrote there`, fix);
  }
}

export function damaged(message: string, fix: string): PgveilError {
  return new PgveilError('checkpoint_damaged', message, { fix });
}
