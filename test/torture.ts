// npm run torture [-- [--seeds 300] [--from 1] [--majors 14,18]]: every test on every major, every schema change in every
// circumstance on the oldest and the newest of them, and then random runs, one per seed and major. What has passed on the same sources is not done again: stop it and go on whenever you like.
//
// A random run is test/e2e/random.test.ts with PGVEIL_TEST_SEED, a whole number from which all follows that is random in
// it, and PGVEIL_TEST_MAJORS, one major.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allMajors, type Major, newestMajor, parseMajors } from './support/majors.ts';
import { Progress } from './support/progress.ts';
import { projectRoot } from './support/project.ts';
import { summary } from './support/report.ts';
import { CIRCUMSTANCES, type Circumstance } from './support/row.ts';
import { runFile } from './support/run-file.ts';

interface Step {
  name: string;
  /** The command that does the same again. */
  again: string;
  passes: () => Promise<boolean>;
}

const randomTest = join(projectRoot, 'test/e2e/random.test.ts');
const timeLimit = 30 * 60_000;

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    majors: { type: 'string', default: allMajors.join() },
  },
});
const majors = parseMajors(options.majors);
const first = wholeNumber(options.from);
const seeds = Array.from({ length: wholeNumber(options.seeds) }, (_, index) => first + index);
if (seeds.length > 0 && !existsSync(randomTest)) {
  console.error(`there is no ${randomTest}, and so no seed to run; --seeds 0 runs the tests alone`);
  process.exit(1);
}
const ends = majors.filter((major) => major === allMajors[0] || major === newestMajor);
const schemaChanges = ends.flatMap((major) => CIRCUMSTANCES.map((circumstance) => schemaRows(circumstance, major)));
const steps = [
  ...majors.map(allTests),
  ...schemaChanges,
  ...seeds.flatMap((seed) => majors.map((major) => randomRun(seed, major))),
];
const failed = await run(steps, new Progress(join(projectRoot, '.servers', 'torture.json'), sources()));
if (failed.length > 0) console.log(`\neach alone:\n  ${failed.map(({ again }) => again).join('\n  ')}`);
console.log(`\n${steps.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);

/** Returns the steps that failed. One after the other: a run has servers and processes enough for two cores. */
async function run(steps: Step[], progress: Progress): Promise<Step[]> {
  const failed: Step[] = [];
  for (const step of steps) {
    if (progress.has(step.name)) {
      console.log(`passed before  ${step.name}`);
      continue;
    }
    const started = performance.now();
    const passes = await step.passes();
    if (passes) progress.add(step.name);
    else failed.push(step);
    console.log(
      `${passes ? 'ok  ' : 'FAIL'} ${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${step.name}`,
    );
  }
  return failed;
}

function allTests(major: Major): Step {
  return {
    name: `all tests on ${major}`,
    again: `npm test -- --majors ${major}`,
    passes: () => runTests(['--majors', String(major)]),
  };
}

/** The schema changes' rows, in one circumstance. */
function schemaRows(circumstance: Circumstance, major: Major): Step {
  const variable = 'PGVEIL_TEST_CIRCUMSTANCES';
  return {
    name: `schema changes (${circumstance}) on ${major}`,
    again: `${variable}=${circumstance} npm test -- --majors ${major} e2e/schema-rows`,
    passes: () => runTests(['--majors', String(major), 'e2e/schema-rows'], { [variable]: circumstance }),
  };
}

async function runTests(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const env = { ...process.env, ...environment };
  const run = spawn(process.execPath, [join(projectRoot, 'test/run.ts'), ...args], { stdio: 'inherit', env });
  const [code] = await once(run, 'exit');
  return code === 0;
}

function randomRun(seed: number, major: Major): Step {
  const passes = async () => {
    process.env.PGVEIL_TEST_SEED = String(seed);
    process.env.PGVEIL_TEST_MAJORS = String(major);
    const { text, success } = summary([await runFile(randomTest, timeLimit)], true);
    if (!success) console.log(text);
    return success;
  };
  const again = `PGVEIL_TEST_SEED=${seed} npm test -- --majors ${major} e2e/random`;
  return { name: `seed ${seed} on ${major}`, again, passes };
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
