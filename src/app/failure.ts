import { ConfigError } from '../../config/error.ts';
import { PgveilError } from '../core/errors.ts';
import { exitCodeOf } from './check/check.ts';
import { NotReady } from './check/first-check.ts';
import { fixOf, meansOf } from './known-errors.ts';
import { fixLines, printable } from './show/printable.ts';

/** How a command that failed ends. */
export interface Failure {
  readonly exitCode: number;
  readonly problems: readonly Problem[];
  /** Of a defect: where it happened. Frames only, as the message above them may hold a value. */
  readonly frames: readonly string[];
}

interface Problem {
  readonly code: string;
  /** Where it stands, for an error in a file. */
  readonly object?: string;
  readonly message: string;
  readonly fix: string;
}

/** What may be said of anything thrown. Only errors of our own are quoted: any other text may hold a value or a secret. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof PgveilError) return { exitCode: thrown.kind.exit, problems: [thrown], frames: [] };
  if (thrown instanceof ConfigError) return { exitCode: 2, problems: configProblems(thrown), frames: [] };
  if (thrown instanceof NotReady)
    return { exitCode: exitCodeOf(thrown.findings), problems: thrown.findings, frames: [] };
  const message = `${meansOf('internal')} It is called ${nameOf(thrown)}.`;
  return { exitCode: 1, problems: [{ code: 'internal', message, fix: fixOf('internal') }], frames: framesOf(thrown) };
}

/** For people: `error: CODE: …` and `fix: …` for each problem. */
export function failureText({ problems, frames }: Failure): string {
  const lines = problems.flatMap(({ code, object, message, fix }) => {
    const what = [code, object, message].filter((part) => part !== undefined).join(': ');
    return [`error: ${what.split('\n').map(printable).join('\n')}`, fixLines(fix)];
  });
  return [...lines, ...frames.map(printable)].join('\n');
}

/** For programs: `{error: {code, message, fix}}`, and all of them as `errors` where there are several. */
export function failureJson({ problems, frames }: Failure): string {
  const errors = problems.map(({ code, object, message, fix }) => ({ code, object, message, fix }));
  return JSON.stringify({
    error: errors[0],
    ...(errors.length > 1 ? { errors } : {}),
    ...(frames.length > 0 ? { frames } : {}),
  });
}

/** `pgveil.yaml:12: tables["public.t"].columns.ssn`: a problem of a file is found by its line. */
function configProblems(error: ConfigError): Problem[] {
  return error.findings.map(({ code, object, message, fix, file, line }) => {
    return { code, object: `${line === null ? file : `${file}:${line}`}: ${object}`, message, fix };
  });
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.constructor.name : typeof thrown;
}

/** Lines of the stack that name a place in a file. The message stands before them and may look like one: it goes first. */
function framesOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return [];
  const start = thrown.stack.indexOf(thrown.message);
  if (start === -1) return [];
  const frames = thrown.stack.slice(start + thrown.message.length).split('\n');
  return frames.filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line));
}
