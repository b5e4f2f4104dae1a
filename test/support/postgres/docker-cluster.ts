// A cluster in a container of the official image, by the docker command line. Its data is in a directory of this
// machine, so that tests read it as they read any other server's.
import { execFile } from 'node:child_process';
import { chown, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { fetchedImage } from '../servers/docker.ts';
import { type Reaper, reaper } from '../servers/reaper.ts';
import { lostText } from '../servers/server-process.ts';
import { runDirectory, serverUser } from '../servers/servers-directory.ts';
import type { Cluster } from './cluster.ts';
import type { Major } from './majors.ts';
import { acceptsConnections, freePort } from './ready.ts';

const execute = promisify(execFile);

const cleanUp = 'docker rm --force --volumes "$2"; rm -rf "$1"';

/** The image to run, or null where Docker has none: see `fetchedImage`. */
export async function dockerImage(major: Major): Promise<string | null> {
  return await fetchedImage(`postgres:${major}`);
}

export async function startDockerCluster(
  major: Major,
  image: string,
  settings: Record<string, string>,
  parent?: string,
): Promise<Cluster> {
  const home = await runDirectory(major, parent);
  const cluster = new DockerCluster(home, await freePort());
  try {
    await cluster.create(image, settings);
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

class DockerCluster implements Cluster {
  readonly address: URL;
  readonly databasePrefix = '';
  readonly #home: string;
  readonly #name: string;
  readonly #reaper: Reaper;
  #pid = 0;

  constructor(home: string, port: number) {
    this.address = new URL(`postgres://postgres@127.0.0.1:${port}`);
    this.#home = home;
    this.#name = `pgveil-${basename(home)}`;
    this.#reaper = reaper(cleanUp, home, this.#name);
  }

  async create(image: string, settings: Record<string, string>): Promise<void> {
    await mkdir(this.dataDirectory());
    if (serverUser) await chown(this.dataDirectory(), serverUser.uid, serverUser.gid);
    // as the owner of the directory: files of another user could neither be read nor removed by the test
    const user = serverUser ?? { uid: process.getuid?.(), gid: process.getgid?.() };
    await docker(
      ...['create', '--name', this.#name, '--user', `${user.uid}:${user.gid}`],
      ...['--publish', `127.0.0.1:${this.address.port}:5432`, '--volume', `${this.#home}:/pgveil`],
      ...['--env', 'PGDATA=/pgveil/data', '--env', 'POSTGRES_HOST_AUTH_METHOD=trust', image],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    );
    await this.start();
  }

  async isRunning(): Promise<boolean> {
    return (await this.#state('Running')) === 'true';
  }

  /** On Linux; elsewhere the container is in a virtual machine of Docker's, and this is its number there. */
  pid(): number {
    if (this.#pid === 0) throw new Error('the server is not running');
    return this.#pid;
  }

  dataDirectory(): string {
    return join(this.#home, 'data');
  }

  async start(): Promise<void> {
    await docker('start', this.#name);
    try {
      await acceptsConnections(this.address, async () => (await this.#state('Running')) === 'false');
    } catch (error) {
      throw new Error(`${(error as Error).message}; its log ends with\n${(await this.log()).slice(-2_000)}`);
    }
    this.#pid = Number(await this.#state('Pid'));
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#pid === 0) return;
    await docker('kill', '--signal', signal, this.#name);
    await docker('wait', this.#name);
    this.#pid = 0;
  }

  async lost(): Promise<string | null> {
    if (this.#pid === 0 || (await this.#state('Running')) === 'true') return null;
    return lostText(`Postgres on port ${this.address.port}`, `exit ${await this.#state('ExitCode')}`, await this.log());
  }

  async log(): Promise<string> {
    const { stdout, stderr } = await execute('docker', ['logs', this.#name], { maxBuffer: 1 << 30 });
    return stdout + stderr;
  }

  async remove(): Promise<void> {
    await execute('docker', ['rm', '--force', '--volumes', this.#name]).catch(() => {}); // it may not exist yet
    await rm(this.#home, { recursive: true, force: true });
    this.#reaper.release();
  }

  async #state(field: 'Pid' | 'Running' | 'ExitCode'): Promise<string> {
    return await docker('inspect', '--format', `{{.State.${field}}}`, this.#name);
  }
}

async function docker(...args: string[]): Promise<string> {
  return (await execute('docker', args)).stdout.trim();
}
