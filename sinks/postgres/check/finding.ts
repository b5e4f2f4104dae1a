import { ERRORS, type ErrorCode, type Finding } from '../../../src/core/errors.ts';

/** A finding with the fix that the table of errors has, unless there is a closer one. */
export function finding(code: ErrorCode, object: string, message: string, fix: string = ERRORS[code].fix): Finding {
  return { code, object, message, fix };
}
