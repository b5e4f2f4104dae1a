import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The image, fetched where it is not there; null where no Docker engine answers, it cannot get the image, or PGVEIL_TEST_DOCKER is `never`. */
export async function fetchedImage(image: string): Promise<string | null> {
  if (process.env.PGVEIL_TEST_DOCKER === 'never') return null;
  try {
    await execute('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 });
  } catch {
    return null;
  }
  try {
    await execute('docker', ['image', 'inspect', image]).catch(() => execute('docker', ['pull', '--quiet', image]));
    return image;
  } catch (error) {
    process.stderr.write(`Docker answers but has no ${image}, going on without it: ${error}\n`);
    return null;
  }
}
