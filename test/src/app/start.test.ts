import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../support/project.ts';
import { importsOf } from '../../support/runner/imports.ts';

/** What is loaded with a file before any of it runs: modules of ours by their paths in the project, packages by their names. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  seen.add(relative(projectRoot, file));
  for (const { path, typeOnly, kind } of importsOf(readFileSync(file, 'utf8'))) {
    if (path === null || typeOnly || kind === 'dynamic') continue;
    if (!path.startsWith('.')) seen.add(path);
    else if (!seen.has(relative(projectRoot, join(dirname(file), path)))) loadedWith(join(dirname(file), path), seen);
  }
  return seen;
}

test('a start loads no sink that is not configured: the client of Kafka alone takes longer than all the rest', () => {
  const loaded = [...loadedWith(join(projectRoot, 'src/app/cli.ts'))];
  assert.ok(loaded.includes('sinks/postgres/target.ts') && loaded.includes('commander'), 'what is loaded is not seen');
  const sinks = loaded.filter((name) => /^(sinks\/(lake|kafka)\/|@platformatic|@duckdb|@aws-sdk)/.test(name));
  assert.deepEqual(sinks, []);
});
