// What a few test files need and what takes minutes to make the first time on a machine: made for a run that has such a file, beside
// the files that need nothing of it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { prepareConnect } from '../kafka/connect.ts';
import { prepareKafka } from '../kafka/kafka.ts';
import { prepareKafkaReader } from '../kafka/reader.ts';
import { prepareTypeScriptConsumer } from '../kafka/typescript-consumer.ts';
import { hasPython, prepareReaders } from '../lake/readers.ts';
import { prepareS3 } from '../lake/s3.ts';
import { hasJava } from '../servers/maven.ts';
import { importsOf } from './imports.ts';

interface Provision {
  readonly name: string;
  /** Who loads this module, by whatever way, needs it. */
  readonly module: string;
  /** Says in words where it comes from. */
  readonly prepare: () => Promise<string>;
}

const PROVISIONS: readonly Provision[] = [
  { name: 'S3', module: join(import.meta.dirname, '../lake/s3.ts'), prepare: prepareS3 },
  { name: 'Kafka', module: join(import.meta.dirname, '../kafka/kafka.ts'), prepare: prepareKafka },
  {
    name: 'kafkajs',
    module: join(import.meta.dirname, '../kafka/typescript-consumer.ts'),
    prepare: prepareTypeScriptConsumer,
  },
  { name: 'Kafka Connect', module: join(import.meta.dirname, '../kafka/connect.ts'), prepare: unlessNoJava },
  {
    name: 'Reader of Kafka',
    module: join(import.meta.dirname, '../kafka/reader.ts'),
    prepare: () => unlessNoPython(prepareKafkaReader),
  },
  {
    name: 'Readers of a lake',
    module: join(import.meta.dirname, '../lake/readers.ts'),
    prepare: () => unlessNoPython(prepareReaders),
  },
];

/** Without a Java its tests stand aside by themselves. */
async function unlessNoJava(): Promise<string> {
  if (!(await hasJava())) return 'nowhere: there is no Java';
  await prepareConnect();
  return 'Maven';
}

/** Without a Python their tests stand aside by themselves. */
async function unlessNoPython(prepare: () => Promise<string>): Promise<string> {
  if (!(await hasPython())) return 'nowhere: there is no Python 3.10';
  await prepare();
  return 'PyPI';
}

/** Starts to prepare something; never rejects, since what cannot be had fails its own tests. */
export type Having = (name: string, prepare: () => Promise<string>) => Promise<void>;

export class Provisions {
  /** By test file: what it waits for. */
  readonly #awaited = new Map<string, Promise<unknown>>();

  /** Starts to prepare what these test files need. */
  constructor(files: readonly string[], having: Having) {
    const loaded = new Map(files.map((file) => [file, modulesOf(file)]));
    const begun = new Map<Provision, Promise<void>>();
    for (const provision of PROVISIONS) {
      const isNeeded = [...loaded.values()].some((modules) => modules.has(provision.module));
      if (isNeeded) begun.set(provision, having(provision.name, provision.prepare));
    }
    for (const [file, modules] of loaded) {
      const needed = [...begun].filter(([{ module }]) => modules.has(module)).map(([, prepared]) => prepared);
      if (needed.length > 0) this.#awaited.set(file, Promise.all(needed));
    }
  }

  /** The files that wait for nothing come first: the others' time is not lost with waiting. */
  order(files: readonly string[]): string[] {
    return [...files.filter((file) => !this.#awaited.has(file)), ...files.filter((file) => this.#awaited.has(file))];
  }

  /** Resolves when what the file needs is there, or cannot be had. */
  async ready(file: string): Promise<void> {
    await this.#awaited.get(file);
  }
}

/** Of ours, all that the file loads, itself included. */
function modulesOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(file)) return seen; // what is missing its test will tell
  seen.add(file);
  for (const { path, typeOnly } of importsOf(readFileSync(file, 'utf8'))) {
    if (path === null || typeOnly || !/^[./].*\.ts$/.test(path)) continue;
    modulesOf(resolve(dirname(file), path), seen);
  }
  return seen;
}
