// Jars from Maven Central, in `.servers`: what Java programs of the tests run from where there is no Docker.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildOnce, serversDirectory } from './servers-directory.ts';

const execute = promisify(execFile);

/** A download that hangs is a failure and not a run that never ends. */
const DOWNLOAD_MS = 10 * 60_000;

export interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
  /** An archive that holds all that it needs, instead of a jar that needs others. */
  readonly archive?: string;
}

/** Whether there is a Java to run them. */
export async function hasJava(): Promise<boolean> {
  return await execute('java', ['-version']).then(
    () => true,
    () => false,
  );
}

/** A directory with these and all that they need, downloaded once on a machine. `name` changes where the artifacts do. */
export async function mavenJars(name: string, artifacts: readonly Artifact[]): Promise<string> {
  return await buildOnce(join(serversDirectory(), name), async (building) => {
    process.stderr.write(`downloading ${name}\n`);
    const pom = join(building, 'pom.xml');
    const lib = join(building, 'lib');
    await mkdir(lib);
    await writeFile(pom, pomOf(name, artifacts));
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'];
    await execute('mvn', ['--quiet', '--batch-mode', '--file', pom, ...goal], { timeout: DOWNLOAD_MS });
    for (const artifact of artifacts) {
      if (artifact.archive) await execute('tar', ['-xzf', join(lib, archiveOf(artifact)), '-C', building]);
    }
  });
}

function archiveOf({ name, version, archive }: Artifact): string {
  return `${name}-${version}-${archive}.tar.gz`;
}

function pomOf(name: string, artifacts: readonly Artifact[]): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pgveil</groupId><artifactId>${name}</artifactId><version>1</version>
  <dependencies>
${artifacts.map(dependency).join('\n')}
  </dependencies>
</project>
`;
}

function dependency({ group, name, version, archive }: Artifact): string {
  const alone = '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>';
  const type = archive ? `<type>tar.gz</type><classifier>${archive}</classifier>${alone}` : '';
  const coordinates = `<groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>`;
  return `    <dependency>${coordinates}${type}</dependency>`;
}
