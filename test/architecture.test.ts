import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, test } from 'node:test';
import { projectRoot } from './support/project.ts';
import { violations } from './support/runner/architecture.ts';
import { importsOf } from './support/runner/imports.ts';

function readTree(): Map<string, string> {
  const tree = new Map<string, string>();
  for (const folder of ['src', 'connectors', 'transforms', 'sinks', 'config']) {
    if (!existsSync(join(projectRoot, folder))) continue;
    for (const entry of readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const file = join(entry.parentPath, entry.name);
      tree.set(relative(projectRoot, file).replaceAll(sep, '/'), readFileSync(file, 'utf8'));
    }
  }
  return tree;
}

test('the tree keeps its rules', () => {
  const tree = readTree();
  assert.ok(tree.size > 0);
  assert.deepEqual(violations(tree), []);
});

describe('the rules', () => {
  const core = { 'src/core/lsn.ts': 'export const a = 1;\n' };

  function broken(files: Record<string, string>): string[] {
    return violations(new Map(Object.entries({ ...core, ...files })));
  }

  test('a tree as the design draws it breaks none', () => {
    assert.deepEqual(
      broken({
        'src/postgres/copy.ts': "import { a } from '../core/lsn.ts';\nimport pg from 'pg';\n",
        'connectors/postgres/source.ts': "import '../../src/postgres/copy.ts';\nimport './stream.ts';\n",
        'connectors/postgres/stream.ts': "import type { Config } from '../../config/schema.ts';\n",
        'config/schema.ts': "import { a } from '../src/core/lsn.ts';\nimport { z } from 'zod';\n",
        'sinks/registry.ts': "import type { Sinks } from '../config/schema.ts';\n",
        'src/app/wire.ts': "import '../../connectors/postgres/source.ts';\nimport '../pipeline/lane.ts';\n",
      }),
      [],
    );
  });

  const forbidden: [string, string, string][] = [
    ['src/core/lsn.ts', '../postgres/copy.ts', 'src/core must not import src/postgres/copy.ts'],
    ['src/core/lsn.ts', '../../config/schema.ts', 'src/core must not import config/schema.ts'],
    ['src/postgres/copy.ts', '../../config/schema.ts', 'src/postgres must not import config/schema.ts'],
    ['src/pipeline/lane.ts', '../../sinks/postgres/sink.ts', 'src/pipeline must not import sinks/postgres/sink.ts'],
    ['src/pipeline/lane.ts', '../postgres/copy.ts', 'src/pipeline must not import src/postgres/copy.ts'],
    ['config/load.ts', '../transforms/mask.ts', 'config must not import transforms/mask.ts'],
    ['transforms/mask.ts', '../src/postgres/copy.ts', 'transforms must not import src/postgres/copy.ts'],
    ['transforms/mask.ts', '../config/schema.ts', 'transforms may only `import type` config/schema.ts'],
    ['sinks/lake/sink.ts', '../postgres/sink.ts', 'sinks/lake must not import sinks/postgres/sink.ts'],
    ['sinks/lake/sink.ts', '../../connectors/postgres/source.ts', 'sinks/lake must not import connectors/'],
    ['connectors/postgres/source.ts', '../../src/app/cli.ts', 'connectors/postgres must not import src/app/cli.ts'],
    ['connectors/postgres/source.ts', '../../test/support/wait.ts', 'connectors/postgres must not import test/'],
    ['src/app/cli.ts', '../../docs/generate/errors.ts', 'src/app must not import docs/generate/errors.ts'],
    ['src/other/thing.ts', '../core/lsn.ts', 'belongs to no part of the design'],
  ];
  for (const [file, path, message] of forbidden) {
    test(`${file} cannot import ${path}`, () => {
      const [found] = broken({ [file]: `import {\n  a,\n} from '${path}';\n` });
      assert.ok(found?.startsWith(`${file}:1 ${message}`), found);
    });
  }

  test('a type import is an import where nothing of the kind is allowed', () => {
    assert.deepEqual(broken({ 'src/core/table.ts': "\nimport type { C } from '../../config/schema.ts';\n" }), [
      'src/core/table.ts:2 src/core must not import config/schema.ts',
    ]);
  });

  test('a dynamic import and `export from` are imports, too', () => {
    const sink =
      "const a = 1;\nexport { b } from '../../transforms/mask.ts';\nawait import('../../transforms/hash.ts');\n";
    assert.deepEqual(broken({ 'sinks/postgres/sink.ts': sink }), [
      'sinks/postgres/sink.ts:2 sinks/postgres must not import transforms/mask.ts',
      'sinks/postgres/sink.ts:3 sinks/postgres must not import transforms/hash.ts',
    ]);
    const computed = { 'transforms/mask.ts': 'await import(name);\n' };
    assert.deepEqual(broken(computed), ['transforms/mask.ts:1 imports a path that cannot be read from the source']);
  });

  test('a file has 300 lines at most', () => {
    assert.deepEqual(broken({ 'src/core/batch.ts': 'a;\n'.repeat(300) }), []);
    assert.deepEqual(broken({ 'src/core/batch.ts': 'a;\n'.repeat(301) }), [
      'src/core/batch.ts:301 is longer than 300 lines',
    ]);
  });

  for (const path of ['src/core/utils.ts', 'sinks/common/a.ts', 'transforms/index.ts', 'config/types.ts']) {
    test(`${path} has a name that says nothing`, () => {
      assert.match(broken({ [path]: '' }).join(), /says nothing about what is inside/);
    });
  }

  test('`export *` is refused', () => {
    const found = broken({ 'src/core/all.ts': "\nexport * from './lsn.ts';\nexport * as l from './lsn.ts';\n" });
    assert.equal(found.length, 2);
    assert.match(found[0]!, /^src\/core\/all\.ts:2 `export \*`/);
  });

  test('a cycle of value imports is found once, and one that a type closes is none', () => {
    const cycle = (closing: string) => ({
      'src/core/a.ts': "import { b } from './b.ts';\n",
      'src/core/b.ts': "import { c } from './c.ts';\n",
      'src/core/c.ts': `\n${closing} { a } from './a.ts';\n`,
      'src/core/entry.ts': "import { b } from './b.ts';\n",
    });
    assert.deepEqual(broken(cycle('import')), [
      'src/core/c.ts:2 closes a cycle of imports: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
    ]);
    assert.deepEqual(broken(cycle('import type')), []);
  });

  test('folders of one part that need each other are found, also by a type; what lies above all is for all', () => {
    const rooms = (closing: string) => ({
      'connectors/postgres/source.ts': "import { a } from './copy/a.ts';\nimport { c } from './stream/c.ts';\n",
      'connectors/postgres/session.ts': '',
      'connectors/postgres/copy/a.ts': "import { b } from '../stream/b.ts';\nimport '../session.ts';\n",
      'connectors/postgres/stream/b.ts': '',
      'connectors/postgres/stream/c.ts': closing,
    });
    assert.deepEqual(broken(rooms("import '../session.ts';\n")), []);
    assert.deepEqual(broken(rooms("import type { D } from '../copy/d.ts';\n")), [
      'connectors/postgres/stream/c.ts:1 closes a circle of folders: connectors/postgres/copy → connectors/postgres/stream → connectors/postgres/copy',
    ]);
  });
});

test('every way to write an import is read', () => {
  const source = [
    "import fs from 'node:fs';", // 1
    "import type { A } from './a.ts';",
    "import { type B, c } from './b.ts';",
    "import type from './type.ts';",
    'import {', // 5
    '  d,',
    "} from './d.ts';",
    "import './effect.ts';",
    "export { e } from './e.ts';",
    "export type { F } from './f.ts';", // 10
    "export * from './g.ts';",
    "export const text = 'from here';",
    "export const load = () => import('./h.ts');",
    "// import './no.ts'; import('./no.ts')",
    " * import('./no.ts')", // 15
    "import * as i from './i.ts';",
  ];
  assert.deepEqual(
    importsOf(source.join('\n')).map(({ line, kind, typeOnly, path }) => [line, kind, typeOnly, path]),
    [
      [1, 'import', false, 'node:fs'],
      [2, 'import', true, './a.ts'],
      [3, 'import', false, './b.ts'],
      [4, 'import', false, './type.ts'],
      [5, 'import', false, './d.ts'],
      [8, 'import', false, './effect.ts'],
      [9, 'export', false, './e.ts'],
      [10, 'export', true, './f.ts'],
      [11, 'export *', false, './g.ts'],
      [13, 'dynamic', false, './h.ts'],
      [16, 'import', false, './i.ts'],
    ],
  );
});
