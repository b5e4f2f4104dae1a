import { PgveilError } from '../core/errors.ts';

/** Major and minor, as in package.json's `engines`, of which npm only warns. */
export const NODE = [22, 22] as const;

/** Throws `node_too_old`. Without it an older Node ends with a SyntaxError of a library, later and without a fix. */
export function assertNode(version: string): void {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return;
  throw new PgveilError('node_too_old', `this is Node ${version}, and pgveil needs ${NODE.join('.')} or later`);
}
