// Real Kafka brokers for tests: `await using kafka = await startKafka()`.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConnectionPool, metadataV12 } from '@platformatic/kafka';
import { freePort } from '../postgres/ready.ts';
import { fetchedImage } from '../servers/docker.ts';
import { reaper } from '../servers/reaper.ts';
import { serversDirectory } from '../servers/servers-directory.ts';
import { until } from '../wait.ts';
import { kafkaClassPath } from './jars.ts';
import { IMAGE, KafkaNode } from './node.ts';
import { type KafkaPorts, kafkaProperties } from './properties.ts';

const execute = promisify(execFile);

export interface KafkaServerOptions {
  /** Each is broker and controller. */
  nodes?: 1 | 3;
  /** A port with TLS and SASL, besides. */
  secure?: boolean;
  /** As in server.properties. */
  settings?: Record<string, string>;
  /** Where clients find the secure port of the one node, if not there: of a proxy before it. */
  advertised?: number;
  /** Where their files are, if not beside those of all others. */
  directory?: string | undefined;
}

/** In this order: the brokers in PGVEIL_TEST_KAFKA (host:port,host:port), containers where Docker answers, Maven's jars on Java. */
export async function startKafka(): Promise<KafkaServer> {
  const given = process.env.PGVEIL_TEST_KAFKA;
  return given ? new KafkaServer(given.split(','), [], null) : await startOwnKafka();
}

/** Brokers that nobody else uses: to be killed, or set up in a way of the test's own. A node that ends while it starts is tried again. */
export async function startOwnKafka(options: KafkaServerOptions = {}): Promise<KafkaServer> {
  try {
    return await startNodes(options);
  } catch (error) {
    process.stderr.write(`Kafka is started again: ${(error as Error).message}\n`);
    return await startNodes(options);
  }
}

async function startNodes(options: KafkaServerOptions): Promise<KafkaServer> {
  const { nodes: count = 1, secure = false, settings = {}, directory: parent = serversDirectory() } = options;
  const home = await mkdtemp(join(parent, 'run-kafka-'));
  const guard = reaper('sleep 1; rm -rf "$1"', home);
  const remove = async () => {
    await rm(home, { recursive: true, force: true });
    guard.release();
  };
  let nodes: KafkaNode[] = [];
  try {
    const ports: KafkaPorts[] = [];
    for (let i = 0; i < count; i++) {
      ports.push({ plain: await freePort(), controller: await freePort(), secure: await freePort() });
    }
    const keyStore = secure ? await makeCertificate(home) : null;
    const cluster = Buffer.concat([Buffer.from('pg'), randomBytes(14)]).toString('base64url'); // none may begin with -
    const image = await fetchedImage(IMAGE);
    nodes = await Promise.all(
      ports.map(async (_, index) => {
        const directory = await mkdtemp(join(home, 'node-'));
        const { advertised } = options;
        const sketch = { id: index + 1, nodes: ports, data: join(directory, 'data'), keyStore, settings, advertised };
        await writeFile(join(directory, 'server.properties'), kafkaProperties(sketch));
        const node = new KafkaNode(directory, image);
        await node.format(cluster);
        return node;
      }),
    );
    const server = new KafkaServer(
      ports.map(({ plain }) => `127.0.0.1:${plain}`),
      nodes,
      { secure: ports.map((port) => `127.0.0.1:${port.secure}`), certificate: join(home, 'certificate.pem'), remove },
    );
    await server.startAll();
    return server;
  } catch (error) {
    await Promise.all(nodes.map((node) => node.signal('SIGKILL')));
    await remove();
    throw error;
  }
}

/** Gets what the brokers run from, starts the one that the test files of this run share, and says in words where it comes from. */
export async function prepareKafka(): Promise<string> {
  if (process.env.PGVEIL_TEST_KAFKA) return process.env.PGVEIL_TEST_KAFKA;
  const image = await fetchedImage(IMAGE);
  if (!image) await kafkaClassPath();
  process.env.PGVEIL_TEST_KAFKA = (await startOwnKafka()).brokers.join();
  return image ? `Docker's ${image}` : 'Maven';
}

interface Own {
  readonly secure: readonly string[];
  /** PEM; clients that know it trust the secure ports. */
  readonly certificate: string;
  remove(): Promise<void>;
}

export class KafkaServer implements AsyncDisposable {
  readonly brokers: readonly string[];
  readonly #nodes: readonly KafkaNode[];
  readonly #own: Own | null;

  constructor(brokers: readonly string[], nodes: readonly KafkaNode[], own: Own | null) {
    this.brokers = brokers;
    this.#nodes = nodes;
    this.#own = own;
  }

  /** Brokers of the port with TLS and SASL. */
  get secureBrokers(): readonly string[] {
    return this.#own!.secure;
  }

  async certificate(): Promise<string> {
    return await readFile(this.#own!.certificate, 'utf8');
  }

  /** A name that no other test has: brokers may be shared. */
  name(what: string): string {
    return `${what}_${randomBytes(5).toString('hex')}`;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.start()));
    await this.answers(this.#nodes.length);
  }

  /** Nodes count from 1, as brokers' ids do. */
  node(id: number): KafkaNode {
    return this.#nodes[id - 1]!;
  }

  /** Resolves once so many brokers know of each other. */
  async answers(count: number): Promise<void> {
    try {
      await until(async () => (await this.#known()) >= count || this.#failed(), {
        what: `${count} Kafka brokers at ${this.brokers} to answer`,
        interval: 100,
      });
      if (this.#failed()) throw new Error('a Kafka node ended while it was starting');
    } catch (error) {
      const logs = await Promise.all(this.#nodes.map((node) => node.log()));
      throw new Error(`${(error as Error).message}; its log ends with\n${logs.join('').slice(-3_000)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.signal('SIGKILL')));
    await this.#own?.remove();
  }

  #failed(): boolean {
    return this.#nodes.some(({ isLost }) => isLost);
  }

  /** How many brokers one of them knows. */
  async #known(): Promise<number> {
    const pool = new ConnectionPool('test', { connectTimeout: 2_000, requestTimeout: 2_000 });
    pool.on('connecting', ({ connection }) => connection.on('error', () => {})); // told by the request as well
    try {
      const connection = await pool.getFirstAvailable(
        this.brokers.map((broker) => ({ host: broker.split(':')[0]!, port: Number(broker.split(':')[1]) })),
      );
      return (await metadataV12.api.async(connection, [], false)).brokers.length;
    } catch {
      return 0;
    } finally {
      await pool.close();
    }
  }
}

/** Key and certificate for 127.0.0.1 in one file, as Kafka wants it; the certificate alone beside it. Returns the path of the first. */
async function makeCertificate(home: string): Promise<string> {
  const [key, certificate] = [join(home, 'key.pem'), join(home, 'certificate.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
  await execute('openssl', [...request, '-keyout', key, '-out', certificate]);
  const store = join(home, 'store.pem');
  await writeFile(store, `${await readFile(key, 'utf8')}${await readFile(certificate, 'utf8')}`);
  return store;
}
