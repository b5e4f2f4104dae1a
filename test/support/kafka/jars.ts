// Kafka's own jars: what a broker of the tests runs from where there is no Docker.
import { join } from 'node:path';
import { hasJava, mavenJars } from '../servers/maven.ts';

/** Not 4.3.1 and not 4.4.0: killed right behind a commit, a node of those forgets it, and the tests kill nodes. */
export const KAFKA_VERSION = '4.2.1';

/** The class path; the first call on a machine downloads 43 MB. Rejects where there is no Java or no Maven. */
export async function kafkaClassPath(): Promise<string> {
  if (!(await hasJava())) {
    throw new Error('there is no Java to run Kafka with, and no Docker: PGVEIL_TEST_KAFKA=HOST:PORT');
  }
  const kafka = { group: 'org.apache.kafka', name: 'kafka_2.13', version: KAFKA_VERSION };
  // Without it a node says nothing, not even why it ended.
  const log = { group: 'org.apache.logging.log4j', name: 'log4j-slf4j-impl', version: '2.25.4' };
  return join(await mavenJars(`kafka-${KAFKA_VERSION}-with-log`, [kafka, log]), 'lib', '*');
}
