// Kafka Connect with Debezium's JDBC sink in it: other people's reader of `debezium` topics.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../postgres/ready.ts';
import { mavenJars } from '../servers/maven.ts';
import { ServerProcess } from '../servers/server-process.ts';
import { serversDirectory } from '../servers/servers-directory.ts';
import { until } from '../wait.ts';
import { KAFKA_VERSION } from './jars.ts';

const SINK_VERSION = '3.3.1.Final';

const ARTIFACTS = [
  ...['connect-runtime', 'connect-json', 'connect-transforms'].map((name) => {
    return { group: 'org.apache.kafka', name, version: KAFKA_VERSION };
  }),
  { group: 'org.slf4j', name: 'slf4j-simple', version: '1.7.36' },
  { group: 'io.debezium', name: 'debezium-connector-jdbc', version: SINK_VERSION, archive: 'plugin' },
];

const JVM = [
  '-Xms64m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

/** As Connect takes it: what users post to it. */
export interface Connector {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
}

/** Downloads it, once on a machine: 70 MB. Gives the directory that it is in. */
export async function prepareConnect(): Promise<string> {
  return await mavenJars(`connect-${KAFKA_VERSION}-jdbc-${SINK_VERSION}`, ARTIFACTS);
}

/** A worker of its own with one connector. */
export async function startConnect(brokers: readonly string[], connector: Connector): Promise<Connect> {
  const jars = await prepareConnect();
  const home = await mkdtemp(join(serversDirectory(), 'run-connect-'));
  const port = await freePort();
  const settings = {
    'bootstrap.servers': brokers.join(),
    'offset.storage.file.filename': join(home, 'offsets'),
    'plugin.path': jars,
    listeners: `http://127.0.0.1:${port}`,
    // What every worker has to name; the connector has converters of its own.
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(home, 'worker.properties'), lines.join(''));
  await writeFile(join(home, 'connector.json'), JSON.stringify(connector));
  const main = ['org.apache.kafka.connect.cli.ConnectStandalone', 'worker.properties', 'connector.json'];
  const worker = new ServerProcess({
    name: 'Kafka Connect',
    command: ['java', ...JVM, '-cp', join(jars, 'lib', '*'), ...main],
    cwd: home,
    log: join(home, 'connect.log'),
    reap: { command: 'kill -KILL "$1"; sleep 1; rm -rf "$2"', parameters: [home] },
  });
  return new Connect(home, worker, `http://127.0.0.1:${port}/connectors/${connector.name}`);
}

export class Connect implements AsyncDisposable {
  readonly #home: string;
  readonly #worker: ServerProcess;
  readonly #url: string;

  constructor(home: string, worker: ServerProcess, url: string) {
    this.#home = home;
    this.#worker = worker;
    this.#url = url;
  }

  /** What has failed, in its own words; null while all is well. */
  async trouble(): Promise<string | null> {
    if (this.#worker.lost) return this.#worker.lost;
    const response = await fetch(`${this.#url}/status`, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
    if (!response?.ok) return null; // it is still starting
    const { tasks } = (await response.json()) as { tasks: readonly { readonly trace?: string }[] };
    return tasks.find(({ trace }) => trace)?.trace ?? null;
  }

  /** Resolves once the condition holds; rejects at once when the connector fails. */
  async until(condition: () => Promise<boolean>, what: () => string): Promise<void> {
    const look = async () => {
      const trouble = await this.trouble();
      if (trouble) throw new Error(`Connect failed: ${trouble}`);
      return await condition();
    };
    await until(look, { what, timeout: 240_000, interval: 300 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.end('SIGKILL');
    await rm(this.#home, { recursive: true, force: true });
  }
}
