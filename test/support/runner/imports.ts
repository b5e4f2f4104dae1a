// Reads the imports of a TypeScript source, without a parser: our sources are formatted, so that a statement begins its line.

export interface Import {
  /** As written: `./table.ts`, `node:fs`, `pg`. Null when the path of a dynamic import is not a literal. */
  path: string | null;
  /** From 1. */
  line: number;
  /** Gone at run time: `import type`, `export type`. A type among values (`import { type T }`) still loads the module. */
  typeOnly: boolean;
  kind: 'import' | 'export' | 'export *' | 'dynamic';
}

const statement = /^(import|export)\b(\s+type\b(?!\s+from\b|\s*,))?([^;'"]*?\bfrom\s*)?\s*(['"])([^'"]+)\4/gm;
const dynamic = /\b(?:import|require)\s*\(\s*(?:(['"])([^'"]+)\1\s*\))?/g;
const comment = /^\s*(\/\/|\/?\*)/;

export function importsOf(source: string): Import[] {
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length;
  const found: Import[] = [];
  for (const { index, 1: keyword, 2: type, 3: clause = '', 5: path } of source.matchAll(statement)) {
    if (keyword === 'export' && !clause) continue; // `export default 'text'`
    const kind = keyword === 'import' ? 'import' : /^\s*\*/.test(clause) ? 'export *' : 'export';
    found.push({ path: path!, line: lineAt(index), typeOnly: type !== undefined, kind });
  }
  for (const [at, line] of source.split('\n').entries()) {
    if (comment.test(line)) continue;
    for (const { 2: path = null } of line.matchAll(dynamic)) {
      found.push({ path, line: at + 1, typeOnly: false, kind: 'dynamic' });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}
