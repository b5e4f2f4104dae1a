import type { z } from 'zod';
import type { ConfigDocument } from './document.ts';
import { type ConfigFinding, formatPath, type Path } from './error.ts';
import { isMapping } from './field.ts';

type Issue = z.core.$ZodIssue;

/** What the schema found wrong with a document, without what only follows from a value that could not be read. */
export function findingsOf(error: z.ZodError, document: ConfigDocument): ConfigFinding[] {
  return error.issues
    .flatMap((issue) => meant(issue))
    .flatMap((issue) => (issue.code === 'unrecognized_keys' ? eachKey(issue) : [issue]))
    .filter((issue) => !document.isStandIn(pathOf(issue)))
    .map((issue) => toFinding(issue, document));
}

/**
 * Where a word or a mapping can stand, the schema finds both wrong. Meant was the one of the same kind as what stands
 * there, so the other, which is wrong as a whole, is left out. With none or several left the issue stands for all.
 */
function meant(issue: Issue, above: PropertyKey[] = []): Issue[] {
  const here = { ...issue, path: [...above, ...issue.path] };
  if (issue.code !== 'invalid_union') return [here];
  const branches = issue.errors.filter((branch) => !branch.some(isOfOtherKind));
  return branches.length === 1 ? branches[0]!.flatMap((inner) => meant(inner, here.path)) : [here];
}

function isOfOtherKind(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code === 'invalid_type';
}

function eachKey(issue: z.core.$ZodIssueUnrecognizedKeys): Issue[] {
  return issue.keys.map((key) => ({ ...issue, keys: [key], path: [...issue.path, key] }));
}

function toFinding(issue: Issue, document: ConfigDocument): ConfigFinding {
  const path = pathOf(issue);
  const [wrong = '', fix = ''] = issue.message.split('\n');
  if (isMissing(path, document.value)) return document.finding(path, 'is missing', fix);
  const finding = document.finding(path, wrong, fix);
  if (issue.code === 'custom' && issue.params?.notBuilt) return { ...finding, code: 'not_built_yet' };
  return mayHoldSecret(issue) ? { ...finding, object: formatPath(path.slice(0, -1)) } : finding;
}

/** In `key: {c2VjcmV0…}` a secret became an unknown key: one that does not look like a key of ours is not repeated. */
function mayHoldSecret(issue: Issue): boolean {
  return issue.code === 'unrecognized_keys' && !issue.keys.every((key) => /^[A-Za-z][A-Za-z0-9_-]{0,30}$/.test(key));
}

/** A key that nobody wrote, in a mapping that is there. */
function isMissing(path: Path, root: unknown): boolean {
  const last = path.at(-1);
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root);
  return last !== undefined && isMapping(parent) && !(last in parent);
}

function pathOf(issue: Issue): Path {
  return issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
}
