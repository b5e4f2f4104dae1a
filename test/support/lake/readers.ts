// Other people's readers of a lake, from PyPI, in an environment of their own in `.servers`.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildOnce, serversDirectory } from '../servers/servers-directory.ts';

const execute = promisify(execFile);

/** A change of these is a new directory below. */
const PACKAGES = ['deltalake==1.6.6', 'pyarrow==26.0.1', 'duckdb==2.0.0', 'tzdata'];

/** A download that hangs is a failure and not a run that never ends. */
const INSTALL_MS = 10 * 60_000;

/** Whether there is a Python to run them. */
export async function hasPython(): Promise<boolean> {
  return await execute('python3', ['-c', 'import venv, sys; sys.exit(sys.version_info < (3, 10))']).then(
    () => true,
    () => false,
  );
}

/** Installs the readers, once on a machine; gives the directory that they are in. */
export async function prepareReaders(): Promise<string> {
  return await buildOnce(join(serversDirectory(), 'lake-readers-1'), async (building) => {
    process.stderr.write(`installing ${PACKAGES.join(', ')}\n`);
    await execute('python3', ['-m', 'venv', building]);
    await execute(join(building, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...PACKAGES], {
      timeout: INSTALL_MS,
    });
  });
}

/** Runs a Python program that prints JSON. */
export async function runReader(program: string, ...parameters: string[]): Promise<unknown> {
  const { stdout } = await execute(join(await prepareReaders(), 'bin/python'), [program, ...parameters]);
  return JSON.parse(stdout);
}
