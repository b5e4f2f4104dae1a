// npm run torture -- --help
//
// What is chosen is told to the test files by variables of the environment: see Choosing.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULTS, KAFKA_FAULTS, LAKE_FAULTS } from '../src/core/fault.ts';
import { allMajors, type Major, newestMajor, parseMajors } from './support/postgres/majors.ts';
import { projectRoot } from './support/project.ts';
import { Progress } from './support/runner/progress.ts';
import { summary } from './support/runner/report.ts';
import { type FileResult, type FoundTest, runFile } from './support/runner/run-file.ts';
import { CIRCUMSTANCES, type Circumstance } from './support/schema/row.ts';
import { TROUBLES } from './support/trial/troubles.ts';

/** What can pass or fail by itself. */
interface Part {
  readonly name: string;
  /** The command that does the same again. */
  readonly again: string;
}

/** What runs at once. */
interface Step<P extends Part = Part> {
  readonly parts: readonly P[];
  /** Returns those that passed. */
  run(parts: readonly P[]): Promise<readonly Part[]>;
}

/** One of those that a test file takes from the environment. */
interface Choice extends Part {
  readonly value: string;
}

/** Test files that are told by a variable which of their tests are wanted, and do them in one set of servers. */
interface Choosing {
  readonly name: string;
  readonly files: readonly string[];
  readonly variable: string;
  /** What one of them is called in the progress of torture, and what its tests' names have at their end or inside. */
  readonly what: (value: string) => string;
  readonly isIn: (value: string, test: string) => boolean;
}

const seeded = (name: string, files: readonly string[]): Choosing => ({
  name,
  files,
  variable: 'PGVEIL_TEST_SEED',
  what: (seed) => `${name}, seed ${seed}`,
  isIn: (seed, test) => new RegExp(`\\bof seed ${seed}\\b`).test(test),
});
const tables = seeded('random', ['random', 'random-ddl']);
const topics = seeded('kafka-random', ['kafka-random']);
const stops = seeded('source-stops', ['source-stops']);
const points: Choosing = {
  name: 'three-sinks',
  files: ['three-sinks'],
  variable: 'PGVEIL_TEST_FAULTS',
  what: (point) => `three sinks, killed at "${point}"`,
  isIn: (point, test) => test.includes(`"${point}"`),
};
const troubles: Choosing = {
  name: 'three-sinks-troubles',
  files: ['three-sinks-troubles'],
  variable: 'PGVEIL_TEST_TROUBLES',
  what: (trouble) => `three sinks, ${trouble}`,
  isIn: (trouble, test) => test.endsWith(trouble),
};
const TROUBLE_NAMES = TROUBLES.map(({ name }) => name);
const AT_ONCE = 8;
const timeLimit = 30 * 60_000;

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    majors: { type: 'string', default: allMajors.join() },
    only: { type: 'string' },
    /** Of the soak. */
    minutes: { type: 'string', default: '60' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

interface Kind {
  readonly what: string;
  steps(): readonly Step[];
}

const majors = parseMajors(options.majors);
const first = wholeNumber(options.from);
const seeds = Array.from({ length: wholeNumber(options.seeds) }, (_, index) => String(first + index));
const ends = majors.filter((major) => major === allMajors[0] || major === newestMajor);
const kinds: Readonly<Record<string, Kind>> = {
  tests: { what: 'every test, on every major', steps: () => majors.map(allTests) },
  rows: {
    what: 'every schema change in every circumstance, on the oldest and the newest major',
    steps: () => ends.flatMap((major) => CIRCUMSTANCES.map((circumstance) => schemaRows(circumstance, major))),
  },
  faults: {
    what: 'three sinks: kill -9 at every point, and each of their servers in each trouble',
    steps: () => [...allOf(points, [...FAULTS, ...LAKE_FAULTS, ...KAFKA_FAULTS]), ...allOf(troubles, TROUBLE_NAMES)],
  },
  seeds: {
    what: 'random rows, kills and schema changes, one run per seed and major',
    steps: () => batches(seeds).flatMap((batch) => majors.map((major) => chosenRuns(tables, batch, major))),
  },
  kafka: {
    what: 'the same into topics, whose broker is killed as well, one run per seed',
    steps: () => batches(seeds).map((batch) => chosenRuns(topics, batch, majors.at(-1)!)),
  },
  stops: {
    what: 'a source that is stopped and started, one run per seed',
    steps: () => batches(seeds).map((batch) => chosenRuns(stops, batch, majors.at(-1)!)),
  },
  soak: { what: 'everything at once, for --minutes', steps: () => [soakFor(wholeNumber(options.minutes))] },
};

const HELP = `npm run torture [-- OPTIONS]

Everything that may take hours, one part after another, each with \`ok\` or \`FAIL\`. What failed is listed at the end with the command that
does it alone. What has passed on the same sources is not done again: stop it and go on whenever you like.

  --only KIND    one of these kinds, without it all of them, in this order:
${Object.entries(kinds)
  .map(([name, { what }]) => `                   ${name.padEnd(8)}${what}`)
  .join('\n')}
  --seeds N      so many random runs (20)
  --from N       the first seed (1)
  --minutes N    of the soak (60)
  --majors LIST  Postgres majors (${allMajors.join()})
  --help         this

  npm run torture -- --seeds 300                     a night's work
  npm run torture -- --only seeds --majors 14,18     random runs on two majors
  npm run torture -- --only kafka --from 21          seeds 21 to 40 of topics`;

if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const { only } = options;
if (only !== undefined && !Object.hasOwn(kinds, only)) {
  console.error(`--only is one of ${Object.keys(kinds).join(', ')}`);
  process.exit(2);
}
const steps = only ? kinds[only]!.steps() : Object.values(kinds).flatMap((kind) => kind.steps());
const count = steps.reduce((sum, { parts }) => sum + parts.length, 0);
const failed = await run(steps, new Progress(join(projectRoot, '.servers', 'torture.json'), sources()));
if (failed.length > 0) console.log(`\neach alone:\n  ${failed.map(({ again }) => again).join('\n  ')}`);
console.log(`\n${count - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);

/** Returns what failed. One step after the other: a run has servers and processes enough for two cores. */
async function run(steps: readonly Step[], progress: Progress): Promise<Part[]> {
  const failed: Part[] = [];
  for (const { parts, run } of steps) {
    for (const { name } of parts) if (progress.has(name)) console.log(`passed before  ${name}`);
    const left = parts.filter(({ name }) => !progress.has(name));
    if (left.length === 0) continue;
    const started = performance.now();
    const passed = await run(left);
    for (const part of left) {
      if (passed.includes(part)) progress.add(part.name);
      else failed.push(part);
      console.log(`${passed.includes(part) ? 'ok  ' : 'FAIL'}  ${part.name}`);
    }
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(12)} s`);
  }
  return failed;
}

function allTests(major: Major): Step {
  return testRun({ name: `all tests on ${major}`, again: `npm test -- --majors ${major}` }, major);
}

/** The schema changes' rows, in one circumstance. */
function schemaRows(circumstance: Circumstance, major: Major): Step {
  const variable = 'PGVEIL_TEST_CIRCUMSTANCES';
  const name = `schema changes (${circumstance}) on ${major}`;
  const again = `${variable}=${circumstance} npm test -- --majors ${major} e2e/schema-rows`;
  return testRun({ name, again }, major, ['e2e/schema-rows'], { [variable]: circumstance });
}

function soakFor(minutes: number): Step {
  const again = `npm run torture -- --only soak --minutes ${minutes}`;
  return programRun({ name: `soak of ${minutes} minutes`, again }, ['test/soak/main.ts', '--minutes', String(minutes)]);
}

function testRun(part: Part, major: Major, files: readonly string[] = [], environment = {}): Step {
  return programRun(part, ['test/run.ts', '--majors', String(major), ...files], environment);
}

/** It passes where its exit code is 0. */
function programRun(part: Part, [program, ...args]: readonly string[], environment = {}): Step {
  const run = async () => {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [join(projectRoot, program!), ...args], { stdio: 'inherit', env });
    const [code] = await once(child, 'exit');
    return code === 0 ? [part] : [];
  };
  return { parts: [part], run };
}

/** On the newest major: nothing in them is about one of Postgres's. */
function allOf(choosing: Choosing, values: readonly string[]): Step<Choice>[] {
  return batches(values).map((batch) => chosenRuns(choosing, batch, newestMajor));
}

function chosenRuns(
  { name, files, variable, what, isIn }: Choosing,
  batch: readonly string[],
  major: Major,
): Step<Choice> {
  const parts = batch.map((value) => {
    const again = `${variable}='${value}' npm test -- --majors ${major} e2e/${name}.test`;
    return { name: `${what(value)} on ${major}`, again, value };
  });
  const run = async (left: readonly Choice[]) => {
    process.env[variable] = left.map(({ value }) => value).join();
    process.env.PGVEIL_TEST_MAJORS = String(major);
    const results: FileResult[] = [];
    for (const file of files) results.push(await runFile(join(projectRoot, `test/e2e/${file}.test.ts`), timeLimit));
    const { text, success } = summary(results, true);
    if (!success) console.log(text);
    const isOf = (value: string) => (test: FoundTest) => isIn(value, test.name);
    return left.filter(({ value }) => results.every((result) => hasPassed(result, isOf(value))));
  };
  return { parts, run };
}

/** A file that ended too early has not passed what it did not get to. */
function hasPassed({ passed, failed }: FileResult, isOf: (test: FoundTest) => boolean): boolean {
  return passed.some(isOf) && !failed.some(isOf);
}

function batches(values: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(values.length / AT_ONCE) }, (_, at) => {
    return values.slice(at * AT_ONCE, (at + 1) * AT_ONCE);
  });
}

/** Stands for the commit and what is changed in the checkout: what passed on other sources proves nothing about these. */
function sources(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: projectRoot, encoding: 'utf8' }).stdout ?? '';
  const changes = git('rev-parse', 'HEAD') + git('status', '--porcelain') + git('diff', 'HEAD');
  return createHash('sha256').update(changes).digest('hex');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`"${text}" is not a whole number`);
  return Number(text);
}
