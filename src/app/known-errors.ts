import { type Kind, needsPerson } from '../core/error-kind.ts';
import { ERRORS, type ErrorCode } from '../core/errors.ts';

/** The entry of a code that comes from outside the type system (an observation, a checkpoint). */
function entryOf(code: string) {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null;
}

export function meansOf(code: string): string {
  return entryOf(code)?.means ?? code;
}

export function fixOf(code: string): string {
  return entryOf(code)?.fix ?? 'See docs/errors.md.';
}

/** What says that nothing goes on before somebody has done something. */
export function isForPerson(code: string): boolean {
  const entry = entryOf(code);
  return entry !== null && needsPerson(entry);
}

/** What one copy of a table came to nothing by, and the next may as well. */
export function isOfCopy(code: string): boolean {
  return entryOf(code)?.recovery === 'copy table';
}

/** What says of a sink that it is away, rather than that it refuses. */
export function isSinkAway(code: string): boolean {
  return entryOf(code)?.recovery === 'reopen' && code !== 'fenced';
}

/** What says that nothing goes on from where it was. */
export function isOfEveryTable(code: string): boolean {
  return entryOf(code)?.recovery === 'copy everything';
}

/** What the pipeline starts again after, by itself. */
export function codesOfRestarts(): readonly string[] {
  const known = Object.entries<Kind>(ERRORS);
  return known.filter(([, { retry, recovery }]) => retry === 'soon' && isRestart(recovery)).map(([code]) => code);
}

function isRestart(recovery: Kind['recovery']): boolean {
  return recovery === 'reopen' || recovery === 'copy everything';
}
