// A cluster of our own, from the npm binaries, in a directory of its own and on a free loopback port.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, openSync } from 'node:fs';
import { chown, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from './cluster.ts';
import type { Major } from './majors.ts';
import { installationDirectory, postgresBinaries } from './postgres-binaries.ts';
import { acceptsConnections, freePort } from './postgres-ready.ts';
import { type Reaper, reaper } from './reaper.ts';
import { buildOnce, runDirectory, serverUser } from './servers-directory.ts';
import { until } from './wait.ts';

const execute = promisify(execFile);

/** What the reaper does when this process is gone: an immediate stop frees shared memory, which SIGKILL would leave. */
const cleanUp = `
  pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -CONT "$pid" && kill -QUIT "$pid"
  tries=0
  while [ -e "$1/data/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  [ -e "$1/data/postmaster.pid" ] && kill -KILL "$pid"
  rm -rf "$1"`;

/** An initialised data directory of this major, to be copied: a copy takes a tenth of the time of initdb. */
export async function dataTemplate(major: Major): Promise<string> {
  const binaries = await postgresBinaries(major);
  return await buildOnce(`${installationDirectory(major)}.template`, async (directory) => {
    if (serverUser) await chown(directory, serverUser.uid, serverUser.gid);
    const flags = ['-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
    await execute(join(binaries, 'bin/initdb'), ['-D', directory, ...flags], { cwd: '/', ...serverUser });
  });
}

export async function startLocalCluster(
  major: Major,
  settings: Record<string, string>,
  parent?: string,
): Promise<Cluster> {
  const binaries = await postgresBinaries(major);
  const template = await dataTemplate(major);
  const home = await runDirectory(major, parent);
  const cluster = new LocalCluster(join(binaries, 'bin/postgres'), home, await freePort(), settings);
  try {
    await execute('cp', ['-a', template, cluster.dataDirectory()]);
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

class LocalCluster implements Cluster {
  readonly address: URL;
  readonly databasePrefix = '';
  readonly #program: string;
  readonly #home: string;
  readonly #arguments: string[];
  readonly #reaper: Reaper;
  #postmaster: ChildProcess | null = null;

  constructor(program: string, home: string, port: number, settings: Record<string, string>) {
    this.address = new URL(`postgres://postgres@127.0.0.1:${port}`);
    this.#program = program;
    this.#home = home;
    // no Unix socket: the directory's path may be longer than a socket's can be
    this.#arguments = ['-D', this.dataDirectory(), '-h', '127.0.0.1', '-p', String(port), '-k', ''];
    for (const [name, value] of Object.entries(settings)) this.#arguments.push('-c', `${name}=${value}`);
    this.#reaper = reaper(cleanUp, home);
  }

  async isRunning(): Promise<boolean> {
    return this.#postmaster !== null;
  }

  pid(): number {
    const pid = this.#postmaster?.pid;
    if (pid === undefined) throw new Error('the server is not running');
    return pid;
  }

  dataDirectory(): string {
    return join(this.#home, 'data');
  }

  async start(): Promise<void> {
    if (this.#postmaster) throw new Error('the server is running already');
    const log = openSync(this.#logFile(), 'a');
    if (serverUser) chownSync(this.#logFile(), serverUser.uid, serverUser.gid);
    const postmaster = spawn(this.#program, this.#arguments, { cwd: '/', stdio: ['ignore', log, log], ...serverUser });
    closeSync(log);
    this.#postmaster = postmaster;
    postmaster.once('exit', () => {
      this.#postmaster = null;
    });
    postmaster.unref(); // a forgotten server must not keep the test file alive; the reaper ends it
    try {
      await acceptsConnections(this.address, () => this.#postmaster === null);
    } catch (error) {
      throw new Error(`${(error as Error).message}; its log ends with\n${(await this.log()).slice(-2_000)}`);
    }
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const postmaster = this.#postmaster;
    if (!postmaster) return;
    postmaster.ref();
    const ended = once(postmaster, 'exit');
    postmaster.kill(signal);
    await until(() => ended, { what: `Postgres (pid ${postmaster.pid}) to end after ${signal}`, timeout: 60_000 });
  }

  async log(): Promise<string> {
    return await readFile(this.#logFile(), 'utf8');
  }

  async remove(): Promise<void> {
    await this.stop('SIGQUIT');
    await rm(this.#home, { recursive: true, force: true });
    this.#reaper.release();
  }

  #logFile(): string {
    return join(this.#home, 'server.log');
  }
}
