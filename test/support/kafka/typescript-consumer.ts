// The consumer in TypeScript of docs/05-kafka.md, run as it is printed there, with the client that it names from npm, which is in an
// environment of its own in `.servers`.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../project.ts';
import { buildOnce, serversDirectory } from '../servers/servers-directory.ts';

const execute = promisify(execFile);

const PACKAGE = 'kafkajs@2.2.4';
/** A download that hangs is a failure and not a run that never ends. */
const INSTALL_MS = 5 * 60_000;

/** Gets the client. */
export async function prepareTypeScriptConsumer(): Promise<string> {
  await install();
  return 'npm';
}

/** Once on a machine; gives the directory that it is in. */
async function install(): Promise<string> {
  return await buildOnce(join(serversDirectory(), 'kafkajs-1'), async (building) => {
    process.stderr.write(`installing ${PACKAGE}\n`);
    const flags = ['--prefix', building, '--silent', '--no-audit', '--no-fund'];
    await execute('npm', ['install', ...flags, PACKAGE], { timeout: INSTALL_MS });
  });
}

/** A process that follows a topic. */
export class TypeScriptConsumer implements AsyncDisposable {
  readonly #home: string;
  readonly #child: ChildProcess;
  #output = '';
  #errors = '';

  private constructor(home: string, child: ChildProcess) {
    this.#home = home;
    this.#child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  static async start(brokers: readonly string[], topic: string): Promise<TypeScriptConsumer> {
    const home = await mkdtemp(join(tmpdir(), 'pgveil-consumer-'));
    await symlink(join(await install(), 'node_modules'), join(home, 'node_modules'));
    const file = join(home, 'features.mts');
    await writeFile(file, await documentedProgram());
    const child = spawn(process.execPath, [file, brokers.join(), topic], { stdio: ['ignore', 'pipe', 'pipe'] });
    return new TypeScriptConsumer(home, child);
  }

  /** The table as it was printed last; throws when the program has ended. */
  rows(): unknown[] {
    if (this.#child.exitCode !== null) throw new Error(`the consumer ended; it said\n${this.#errors}`);
    const [, line] = /([^\n]*)\n[^\n]*$/.exec(this.#output) ?? [];
    return line ? JSON.parse(line) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
    await rm(this.#home, { recursive: true, force: true });
  }
}

async function documentedProgram(): Promise<string> {
  const page = await readFile(join(projectRoot, 'docs/05-kafka.md'), 'utf8');
  const [, program] = /```ts\n(.*?)```/s.exec(page)!;
  return program!;
}
