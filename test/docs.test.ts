import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from './support/project.ts';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...markdownIn('docs'),
  ...markdownIn('docs/decisions'),
];

/** Those with a path have to be at that place, unless it begins at the root of some machine; of the others one has to have that name. */
const FILE = /(?<![\w.-])\/?[\w-]+(?:\/[\w-]+)*\.(?:ts|yaml|json|sql|yml)(?![\w-])/g;
const THE_READERS_OWN = new Set(['pgveil.yaml']);
const INSTALLED = new Set(['node_modules', '.servers', '.git', 'dist']);

test('every link in the documents leads somewhere', () => {
  for (const document of DOCUMENTS) {
    for (const [, target] of text(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split('#');
      const file = path ? join(dirname(document), path) : document;
      assert.ok(existsSync(join(projectRoot, file)), `${document}: ${target}`);
      if (anchor) assert.ok(anchorsOf(file).includes(anchor), `${document}: ${target}`);
    }
  }
});

test('every file that the documents name is there', () => {
  const names = new Set(fileNames());
  for (const document of DOCUMENTS) {
    for (const [named] of text(document).matchAll(FILE)) {
      const isThere = named.includes('/') ? existsSync(join(projectRoot, named)) : names.has(named);
      const isPattern = /^\/|NAME/.test(named) || THE_READERS_OWN.has(named);
      assert.ok(isThere || isPattern, `${document}: ${named}`);
    }
  }
});

test('every command that the documents name is a script of the package', () => {
  const { scripts } = JSON.parse(text('package.json'));
  for (const document of DOCUMENTS) {
    for (const [, script] of text(document).matchAll(/npm run (?:-s )?([\w-]+)/g)) {
      assert.ok(Object.hasOwn(scripts, script!), `${document}: npm run ${script}`);
    }
  }
});

test('every decision stands in the list of decisions', () => {
  const list = text('docs/decisions/README.md');
  for (const page of markdownIn('docs/decisions')) {
    if (!page.endsWith('README.md')) assert.ok(list.includes(`](${basename(page)})`), page);
  }
});

function text(file: string): string {
  return readFileSync(join(projectRoot, file), 'utf8');
}

function markdownIn(folder: string): string[] {
  const files = readdirSync(join(projectRoot, folder)).filter((file) => file.endsWith('.md'));
  return files.map((file) => join(folder, file));
}

/** Names of all files of the checkout, but for what was installed into it. */
function fileNames(folder = projectRoot): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !INSTALLED.has(name));
  return entries.flatMap((entry) => (entry.isDirectory() ? fileNames(join(folder, entry.name)) : [entry.name]));
}

/** As GitHub makes them of headings. */
function anchorsOf(file: string): string[] {
  return [...text(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}
