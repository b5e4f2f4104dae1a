// Kafka's own jars, from Maven Central, in `.servers`: what a broker of the tests runs from where there is no Docker.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildOnce, serversDirectory } from './servers-directory.ts';

const execute = promisify(execFile);

/** Not 4.3.1 and not 4.4.0: killed right behind a commit, a node of those forgets it, and the tests kill nodes. */
export const KAFKA_VERSION = '4.2.1';

/** A download that hangs is a failure and not a run that never ends. */
const DOWNLOAD_MS = 10 * 60_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pgveil</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
  </dependencies>
</project>
`;

/** The class path; the first call on a machine downloads 43 MB. Rejects where there is no Java or no Maven. */
export async function kafkaClassPath(): Promise<string> {
  await execute('java', ['-version']).catch(() => {
    throw new Error('there is no Java to run Kafka with, and no Docker: PGVEIL_TEST_KAFKA=HOST:PORT');
  });
  const directory = await buildOnce(join(serversDirectory(), `kafka-${KAFKA_VERSION}`), async (building) => {
    process.stderr.write(`downloading Kafka ${KAFKA_VERSION}\n`);
    const pom = join(building, 'pom.xml');
    const lib = join(building, 'lib');
    await mkdir(lib);
    await writeFile(pom, POM);
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'];
    await execute('mvn', ['--quiet', '--batch-mode', '--file', pom, ...goal], { timeout: DOWNLOAD_MS });
  });
  return join(directory, 'lib', '*');
}
