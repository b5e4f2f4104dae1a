// A cluster of our own, from the npm binaries, in a directory of its own and on a free loopback port.
import { execFile } from 'node:child_process';
import { chown, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Reaper, reaper } from '../servers/reaper.ts';
import { ServerProcess } from '../servers/server-process.ts';
import { buildOnce, runDirectory, serverUser } from '../servers/servers-directory.ts';
import { until } from '../wait.ts';
import { installationDirectory, postgresBinaries } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import type { Major } from './majors.ts';
import { acceptsConnections, freePort } from './ready.ts';

const execute = promisify(execFile);

/** What the reaper does when this process is gone: an immediate stop frees shared memory, which SIGKILL would leave. */
const END = `
  kill -CONT "$1" && kill -QUIT "$1"
  tries=0
  while [ -e "$2/data/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  [ -e "$2/data/postmaster.pid" ] && kill -KILL "$1"
  rm -rf "$2"`;

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
  /** Of what lies there while no server runs. */
  readonly #guard: Reaper;
  #postmaster: ServerProcess | null = null;

  constructor(program: string, home: string, port: number, settings: Record<string, string>) {
    this.address = new URL(`postgres://postgres@127.0.0.1:${port}`);
    this.#program = program;
    this.#home = home;
    // no Unix socket: the directory's path may be longer than a socket's can be
    this.#arguments = ['-D', this.dataDirectory(), '-h', '127.0.0.1', '-p', String(port), '-k', ''];
    for (const [name, value] of Object.entries(settings)) this.#arguments.push('-c', `${name}=${value}`);
    this.#guard = reaper('sleep 1; rm -rf "$1"', home);
  }

  async isRunning(): Promise<boolean> {
    return this.#postmaster?.isRunning === true;
  }

  pid(): number {
    if (!this.#postmaster?.isRunning) throw new Error('the server is not running');
    return this.#postmaster.pid;
  }

  dataDirectory(): string {
    return join(this.#home, 'data');
  }

  async start(): Promise<void> {
    if (this.#postmaster?.isRunning) throw new Error('the server is running already');
    const postmaster = new ServerProcess({
      name: `Postgres on port ${this.address.port}`,
      command: [this.#program, ...this.#arguments],
      cwd: '/',
      user: serverUser,
      log: this.#logFile(),
      reap: { command: END, parameters: [this.#home] },
    });
    this.#postmaster = postmaster;
    try {
      await acceptsConnections(this.address, () => !postmaster.isRunning);
    } catch (error) {
      throw new Error(`${(error as Error).message}; its log ends with\n${(await this.log()).slice(-2_000)}`);
    }
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const postmaster = this.#postmaster;
    if (!postmaster?.isRunning) return;
    const ended = postmaster.end(signal).then(() => true);
    await until(() => ended, { what: `Postgres (pid ${postmaster.pid}) to end after ${signal}` });
  }

  async lost(): Promise<string | null> {
    return this.#postmaster?.lost ?? null;
  }

  async log(): Promise<string> {
    return await readFile(this.#logFile(), 'utf8');
  }

  async remove(): Promise<void> {
    await this.stop('SIGQUIT');
    await rm(this.#home, { recursive: true, force: true });
    this.#guard.release();
  }

  #logFile(): string {
    return join(this.#home, 'server.log');
  }
}
