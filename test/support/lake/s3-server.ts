// The S3 server of the tests, versitygw: a real one with conditional writes, from Docker or built from its Go module.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reaper } from '../servers/reaper.ts';
import { ServerProcess } from '../servers/server-process.ts';
import { buildOnce, serversDirectory } from '../servers/servers-directory.ts';

const execute = promisify(execFile);

const VERSION = 'v1.8.0';
const MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
/** It took seven minutes where two cores had the work of fifteen. A download that hangs is a failure and not a run that never ends. */
const BUILD_MS = 20 * 60_000;
export const IMAGE = `versity/versitygw:${VERSION}`;

export const ACCESS_KEY = 'pgveil-test';
export const SECRET_KEY = 'pgveil-test-secret';

/** A server on a port of this machine. */
export interface Running {
  /** As by a power cut. Its files stay. */
  stop(): Promise<void>;
  /** Again, after a stop; `secret` in place of the key's own. */
  start(secret?: string): Promise<void>;
  remove(): Promise<void>;
}

/** The program, in `.servers`; the first call on a machine builds it, which takes minutes. Rejects where there is no Go. */
export async function builtProgram(): Promise<string> {
  const directory = await buildOnce(join(serversDirectory(), `versitygw-${VERSION}`), async (building) => {
    process.stderr.write(`building ${MODULE}\n`);
    try {
      await execute('go', ['install', MODULE], {
        cwd: building,
        timeout: BUILD_MS,
        env: { ...process.env, GOBIN: building, GOFLAGS: '' },
      });
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.slice(-1_000) ?? String(error);
      throw new Error(`go could not build ${MODULE}: ${said}\nWith neither Go nor Docker: PGVEIL_TEST_S3=URL`);
    }
  });
  return join(directory, 'versitygw');
}

/** `parent`: where its files are, if not in a volume of Docker's. */
export async function runContainer(image: string, port: number, parent?: string): Promise<Running> {
  const name = `pgveil-s3-${port}-${process.pid}`;
  const home = parent ?? name;
  const guard = reaper('docker rm --force "$1"; docker volume rm --force "$1"', name);
  const stop = async () => void (await execute('docker', ['rm', '--force', name]));
  const start = async (secret = SECRET_KEY) => {
    const keys = ['--env', `ROOT_ACCESS_KEY=${ACCESS_KEY}`, '--env', `ROOT_SECRET_KEY=${secret}`];
    const flags = ['run', '--detach', '--name', name, '--publish', `127.0.0.1:${port}:7070`, ...keys];
    await execute('docker', [
      ...[...flags, '--volume', `${home}:/data`, '--entrypoint', '/bin/sh', image],
      ...['-c', 'mkdir -p /data/lake && versitygw posix /data/lake'],
    ]);
  };
  await start();
  const remove = async () => {
    await stop();
    await execute('docker', ['volume', 'rm', '--force', name]);
    guard.release();
  };
  return { stop, start, remove };
}

export async function runProgram(program: string, port: number, parent = serversDirectory()): Promise<Running> {
  const home = await mkdtemp(join(parent, 'run-s3-'));
  const data = join(home, 'data');
  await mkdir(data);
  const guard = reaper('sleep 1; rm -rf "$1"', home);
  const run = (secret = SECRET_KEY) =>
    new ServerProcess({
      name: `S3 on port ${port}`,
      command: [program, '--port', `127.0.0.1:${port}`, '--quiet', 'posix', data],
      cwd: home,
      env: { ...process.env, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: secret },
      log: join(home, 'server.log'),
      reap: { command: 'kill -KILL "$1"' },
    });
  let server = run();
  return {
    stop: () => server.end('SIGKILL'),
    start: async (secret) => {
      server = run(secret);
    },
    remove: async () => {
      await server.end('SIGKILL');
      await rm(home, { recursive: true, force: true });
      guard.release();
    },
  };
}
