import { ERRORS, type ErrorCode } from '../core/errors.ts';

/** The entry of a code that comes from outside the type system (an observation, a checkpoint, the configuration's own list). */
function entryOf(code: string) {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null;
}

export function meansOf(code: string): string {
  return entryOf(code)?.means ?? code;
}

export function fixOf(code: string): string {
  return entryOf(code)?.fix ?? 'See docs/errors.md.';
}

/** Whether it is about a configuration: a code of ours that says so, or one that only the configuration's reader uses. */
export function isConfiguration(code: string): boolean {
  return (entryOf(code)?.exit ?? 2) === 2;
}

export function retryOf(code: string) {
  return entryOf(code)?.retry ?? 'never';
}

export function recoveryOf(code: string) {
  return entryOf(code)?.recovery ?? 'stop';
}
