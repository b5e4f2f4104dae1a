// npm test [-- [--majors 14,15] PATH…]: every test file, or those whose path contains one of the PATHs, each in a process
// of its own. PGVEIL_TEST_MAJORS as in support/postgres/majors.ts. With CI=true a test that is skipped is one that failed.
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { allMajors, parseMajors } from './support/postgres/majors.ts';
import { preparePostgres } from './support/postgres/postgres.ts';
import { projectRoot } from './support/project.ts';
import { Provisions } from './support/runner/provisions.ts';
import { fileLines, summary } from './support/runner/report.ts';
import { type FileResult, runFile } from './support/runner/run-file.ts';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    majors: { type: 'string' },
    /** For one file, in seconds: one that hangs is a failure and not a build that never ends. */
    timeout: { type: 'string', default: '900' },
    /** Where the test files are; the tests of this runner give it others. */
    in: { type: 'string', default: join(projectRoot, 'test') },
  },
});

// The tests start pgveil hundreds of times, each time half a second of processor time without it, a fifth of one with it.
process.env.NODE_COMPILE_CACHE ??= join(projectRoot, 'node_modules/.cache/compiled');

if (options.majors) process.env.PGVEIL_TEST_MAJORS = options.majors;
const majors = process.env.PGVEIL_TEST_MAJORS ? parseMajors(process.env.PGVEIL_TEST_MAJORS) : allMajors;
const files = findFiles(resolve(options.in), wanted);
if (files.length === 0) {
  console.error(`no test file's path contains ${wanted.join(' or ') || '.test.ts'}`);
  process.exit(1);
}
const provisions = new Provisions(files, having);
await preparePostgresServers();
const results = await runAll(provisions.order(files), Number(options.timeout) * 1000);
const { text, success } = summary(results, process.env.CI === 'true');
console.log(`\n${text}`);
process.exit(success ? 0 : 1); // not exitCode: what a file that was ended left open must not hold us up

function findFiles(directory: string, parts: string[]): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => join(directory, path))
    .filter((path) => parts.length === 0 || parts.some((part) => relative(projectRoot, path).includes(part)))
    .sort();
}

/** Downloads what is missing before the clock of any test runs. */
async function preparePostgresServers(): Promise<void> {
  for (const major of majors) await having(`Postgres ${major}`, () => preparePostgres(major));
}

/** What cannot be had fails its own tests, not the others. */
async function having(name: string, prepare: () => Promise<string>): Promise<void> {
  try {
    console.log(`${name} from ${await prepare()}`);
  } catch (error) {
    console.error(`NO ${name.toUpperCase()}: ${(error as Error).message}`);
  }
}

/** Two at a time on two cores: most tests wait for a server half of the time, and it needs the other half. */
async function runAll(queue: string[], timeout: number): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const left = queue.values();
  const worker = async () => {
    for (const file of left) {
      await provisions.ready(file);
      const result = await runFile(file, timeout);
      results.push(result);
      console.log(fileLines(result));
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
  return results.sort((a, b) => (a.file < b.file ? -1 : 1));
}
