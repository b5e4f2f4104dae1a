// The S3 server of the tests, versitygw: a real one with conditional writes, from Docker or built from its Go module.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reaper } from './reaper.ts';
import { ServerProcess } from './server-process.ts';
import { buildOnce, serversDirectory } from './servers-directory.ts';

const execute = promisify(execFile);

const VERSION = 'v1.8.0';
const MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
/** It took seven minutes where two cores had the work of fifteen. A download that hangs is a failure and not a run that never ends. */
const BUILD_MS = 20 * 60_000;
export const IMAGE = `versity/versitygw:${VERSION}`;

export const ACCESS_KEY = 'pgveil-test';
export const SECRET_KEY = 'pgveil-test-secret';

/** A server on a port of this machine, and how to remove it. */
export interface Running {
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

export async function runContainer(image: string, port: number): Promise<Running> {
  const name = `pgveil-s3-${port}-${process.pid}`;
  const guard = reaper('docker rm --force --volumes "$1"', name);
  const keys = ['--env', `ROOT_ACCESS_KEY=${ACCESS_KEY}`, '--env', `ROOT_SECRET_KEY=${SECRET_KEY}`];
  const flags = ['run', '--detach', '--name', name, '--publish', `127.0.0.1:${port}:7070`, ...keys];
  await execute('docker', [
    ...flags,
    '--entrypoint',
    '/bin/sh',
    image,
    '-c',
    'mkdir -p /lake && versitygw posix /lake',
  ]);
  return {
    remove: async () => {
      await execute('docker', ['rm', '--force', '--volumes', name]);
      guard.release();
    },
  };
}

export async function runProgram(program: string, port: number): Promise<Running> {
  const home = await mkdtemp(join(serversDirectory(), 'run-s3-'));
  const data = join(home, 'data');
  await mkdir(data);
  const server = new ServerProcess({
    name: `S3 on port ${port}`,
    command: [program, '--port', `127.0.0.1:${port}`, '--quiet', 'posix', data],
    cwd: home,
    env: { ...process.env, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
    log: join(home, 'server.log'),
    reap: { command: 'kill -KILL "$1"; rm -rf "$2"', parameters: [home] },
  });
  return {
    remove: async () => {
      await server.end('SIGKILL');
      await rm(home, { recursive: true, force: true });
    },
  };
}
