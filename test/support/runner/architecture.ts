// The rules that keep the tree as docs/ draws it. Each takes the tree as a map from path to source and gives what breaks it,
// `path:line message`.
import { dirname, join, normalize } from 'node:path/posix';
import { type Import, importsOf } from './imports.ts';

/** Paths relative to the project, with slashes, of every .ts file of the product. */
export type Tree = ReadonlyMap<string, string>;

/** What a part may import of ours, beside itself. A part is the folder's name; `sinks/twin` and `sinks/lake` are two parts. */
const allowed: Record<string, { values: string[]; types: string[] }> = {
  'src/core': { values: [], types: [] },
  'src/postgres': { values: ['src/core'], types: [] },
  'src/pipeline': { values: ['src/core'], types: [] },
  config: { values: ['src/core'], types: [] },
  transforms: { values: ['src/core'], types: ['config'] },
  connectors: { values: ['src/core', 'src/postgres'], types: ['config'] },
  sinks: { values: ['src/core', 'src/postgres'], types: ['config'] },
};

/** What is compiled. `src/app` may import all of it. */
const product = /^(src|connectors|transforms|sinks|config)\//;

const forbiddenNames = /^(utils?|common|helpers?|index|types?|misc)$/;
const longestFile = 300;

/** Everything that is wrong with the tree. */
export function violations(tree: Tree): string[] {
  return [
    ...dependencies(tree),
    ...exportsOfAll(tree),
    ...lengths(tree),
    ...names(tree),
    ...cycles(tree),
    ...circles(tree),
  ];
}

/** `src/core` for src/core/lsn.ts, `config` for config/load.ts, `sinks/postgres` for sinks/postgres/encode.ts. */
function partOf(file: string): string {
  const [top, folder] = dirname(file).split('/');
  const divided = top === 'src' || top === 'connectors' || top === 'sinks';
  return divided && folder !== undefined ? `${top}/${folder}` : top!;
}

function dependencies(tree: Tree): string[] {
  return [...tree].flatMap(([file, source]) => {
    const part = partOf(file);
    if (part === 'src/app') return outside(file, source);
    const rule = allowed[part] ?? allowed[part.split('/')[0]!];
    if (!rule) return [`${file}:1 belongs to no part of the design`];
    return importsOf(source).flatMap((found) => {
      if (found.path === null) return [`${file}:${found.line} imports a path that cannot be read from the source`];
      const target = resolve(file, found);
      if (target === null || partOf(target) === part) return [];
      const reachable = found.typeOnly ? [...rule.values, ...rule.types] : rule.values;
      if (reachable.includes(partOf(target))) return [];
      const how = found.typeOnly || !rule.types.includes(partOf(target)) ? 'must not import' : 'may only `import type`';
      return [`${file}:${found.line} ${part} ${how} ${target}`];
    });
  });
}

/** What would be compiled with the service, as the service imports it. */
function outside(file: string, source: string): string[] {
  return importsOf(source).flatMap((found) => {
    const target = resolve(file, found);
    const isOutside = target !== null && !product.test(target);
    return isOutside ? [`${file}:${found.line} src/app must not import ${target}`] : [];
  });
}

function exportsOfAll(tree: Tree): string[] {
  return [...tree].flatMap(([file, source]) =>
    importsOf(source)
      .filter(({ kind }) => kind === 'export *')
      .map(({ line }) => `${file}:${line} \`export *\` hides where a name comes from: import it from its own file`),
  );
}

function lengths(tree: Tree): string[] {
  return [...tree].flatMap(([file, source]) => {
    const lines = source.trimEnd().split('\n').length;
    return lines > longestFile ? [`${file}:${lines} is longer than ${longestFile} lines`] : [];
  });
}

function names(tree: Tree): string[] {
  return [...tree.keys()].flatMap((file) => {
    const name = file.split('/').find((segment) => forbiddenNames.test(segment.replace(/(\.d)?\.ts$/, '')));
    return name ? [`${file}:1 "${name}" says nothing about what is inside`] : [];
  });
}

/** Each cycle of value imports once, at the import that closes it. Types vanish at run time and may go in circles. */
function cycles(tree: Tree): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    if (done.has(file)) return;
    for (const each of importsOf(tree.get(file)!)) {
      const target = each.typeOnly ? null : resolve(file, each);
      if (target === null || !tree.has(target)) continue;
      const way = [...path, file];
      const begin = way.indexOf(target);
      if (begin === -1) visit(target, way);
      else found.push(`${file}:${each.line} closes a cycle of imports: ${[...way.slice(begin), target].join(' → ')}`);
    }
    done.add(file);
  };
  for (const file of tree.keys()) visit(file, []);
  return found;
}

/** Folders of one part that need each other, types included: whoever reads one of them would have to read both. */
function circles(tree: Tree): string[] {
  const ways = new Map<string, Map<string, string>>();
  for (const [file, source] of tree) {
    for (const each of importsOf(source)) {
      const target = resolve(file, each);
      if (target === null || !isNextDoor(file, target)) continue;
      const from = ways.get(dirname(file)) ?? new Map();
      ways.set(dirname(file), from.set(dirname(target), `${file}:${each.line}`));
    }
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (folder: string, path: string[]): void => {
    if (done.has(folder)) return;
    for (const [target, place] of ways.get(folder) ?? []) {
      const way = [...path, folder];
      const begin = way.indexOf(target);
      if (begin === -1) visit(target, way);
      else found.push(`${place} closes a circle of folders: ${[...way.slice(begin), target].join(' → ')}`);
    }
    done.add(folder);
  };
  for (const folder of ways.keys()) visit(folder, []);
  return found;
}

/** Both lie in folders of one part, and not in the same. */
function isNextDoor(file: string, target: string): boolean {
  const part = partOf(file);
  const isInside = (path: string) => partOf(path) === part && dirname(path) !== part;
  return isInside(file) && isInside(target) && dirname(file) !== dirname(target);
}

/** The file of ours that is imported, or null for a package. */
function resolve(file: string, { path }: Import): string | null {
  return path?.startsWith('.') ? normalize(join(dirname(file), path)) : null;
}
