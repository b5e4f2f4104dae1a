// The four servers that pgveil speaks with, each behind a proxy, and each on a disk of its own where one can be mounted.
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { alterUserScramCredentialsV0 } from '@platformatic/kafka';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { S3Storage } from '../../../sinks/lake/storage/s3.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import { plainConnection } from '../../sinks/kafka/parts.ts';
import { type KafkaServer, startOwnKafka } from '../kafka/kafka.ts';
import { KAFKA_USER } from '../kafka/properties.ts';
import { type S3Server, startOwnS3 } from '../lake/s3.ts';
import type { PostgresServer } from '../postgres/postgres.ts';
import { SmallDisk } from '../servers/small-disk.ts';
import { TcpProxy } from '../servers/tcp-proxy.ts';
import { until } from '../wait.ts';
import { Servers } from './servers.ts';
import type { Trial } from './trial.ts';

export const PEERS = ['source', 'twin', 'S3', 'Kafka'] as const;
export type PeerName = (typeof PEERS)[number];

/** A server, seen from the network, from its disk, and by those who run it. */
export interface Peer {
  readonly proxy: TcpProxy;
  /** Null where none could be mounted. */
  readonly disk: SmallDisk | null;
  /** Orderly, or as by a power cut. */
  stop(how: 'orderly' | 'at once'): Promise<void>;
  /** Brings it up, whatever became of it. Resolves once it answers. */
  start(): Promise<void>;
  /** Whoever pgveil is has to leave, and does not come in again. */
  revoke(): Promise<void>;
  restore(): Promise<void>;
}

const MEGABYTES = 600;
/** Without files of WAL to be used again, which a disk that is full would still have. */
const SMALL_WAL = { max_wal_size: '64MB', min_wal_size: '32MB', wal_recycle: 'off' };

/** Whom pgveil comes as to both Postgres servers. Others, the tests among them, are let in whatever becomes of it. */
const ROLE = 'pgveil_guest';

export class Peers implements AsyncDisposable {
  readonly servers: Servers;
  readonly s3: S3Server;
  readonly kafka: KafkaServer;
  readonly #peers: Readonly<Record<PeerName, Peer>>;
  readonly #authority: string;
  readonly #started: AsyncDisposable;

  private constructor(
    servers: Servers,
    s3: S3Server,
    kafka: KafkaServer,
    peers: Readonly<Record<PeerName, Peer>>,
    authority: string,
    started: AsyncDisposable,
  ) {
    this.servers = servers;
    this.s3 = s3;
    this.kafka = kafka;
    this.#peers = peers;
    this.#authority = authority;
    this.#started = started;
  }

  static async start(): Promise<Peers> {
    await using started = new AsyncDisposableStack(); // one that does not come up must not leave the others behind
    const ends = async <T extends AsyncDisposable>(starting: Promise<T>) => started.use(await starting);
    const mounted = await Promise.all(PEERS.map(() => SmallDisk.mount(MEGABYTES)));
    for (const disk of mounted) started.use(disk);
    const proxies = await Promise.all(PEERS.map(() => ends(TcpProxy.open())));
    const [source, twin, s3, topics] = mounted.map((disk) => disk?.directory);
    const starting = [
      ends(Servers.start({ directories: { source, twin }, sourceSettings: SMALL_WAL, twinSettings: SMALL_WAL })),
      ends(startOwnS3(s3)),
      ends(startOwnKafka({ secure: true, advertised: proxies[3]!.port, directory: topics })),
    ] as const;
    await Promise.allSettled(starting);
    const [servers, store, kafka] = await Promise.all(starting);
    const ports = [
      servers.source.port,
      servers.twin.port,
      new URL(store.endpoint).port,
      portOf(kafka.secureBrokers[0]!),
    ];
    for (const [at, proxy] of proxies.entries()) proxy.leadTo(Number(ports[at]));
    const [from, to] = [servers.source, servers.twin];
    for (const server of [from, to]) await server.query(`CREATE ROLE ${ROLE} SUPERUSER REPLICATION LOGIN`);
    const acts = { source: postgres(from), twin: postgres(to), S3: s3Store(store), Kafka: broker(kafka, proxies[3]!) };
    const peers = PEERS.map((name, at) => [name, { ...acts[name], proxy: proxies[at]!, disk: mounted[at]! }]);
    const authority = await kafka.certificate();
    return new Peers(servers, store, kafka, Object.fromEntries(peers), authority, started.move());
  }

  peer(name: PeerName): Peer {
    return this.#peers[name];
  }

  /** What the service takes from its environment. */
  get environment(): Record<string, string> {
    const { accessKeyId, secretAccessKey } = this.s3.credentials;
    return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  }

  /** The trial's configuration, by way of the proxies. */
  configuration(trial: Trial, bucket: string): Record<string, unknown> {
    const { source, ...others } = trial.configuration() as { source: { url: string } };
    const patience = '1s';
    return {
      ...others,
      source: { ...source, url: this.#through('source', trial.sourceUrl) },
      sinks: {
        twin: { type: 'postgres', url: this.#through('twin', trial.twinUrl), patience },
        lake: {
          ...{ type: 'lake', url: `s3://${bucket}/lake`, endpoint: `http://127.0.0.1:${this.peer('S3').proxy.port}` },
          ...{ flush: { every: '500ms' }, patience },
        },
        topics: {
          ...{ type: 'kafka', brokers: [`127.0.0.1:${this.peer('Kafka').proxy.port}`], format: 'flat', patience },
          ...{ topics: { partitions: 2 }, split: '1MB', tls: { ca: this.#authority } },
          sasl: { mechanism: 'SCRAM-SHA-512', ...KAFKA_USER },
        },
      },
    };
  }

  /** The trial's lake, read without the proxy. */
  lake(trial: Trial, bucket: string): Storage {
    const { endpoint, region, credentials } = this.s3;
    return new S3Storage({ bucket, prefix: `lake/${trial.name}/`, endpoint, region, credentials });
  }

  #through(name: PeerName, url: string): string {
    return Object.assign(new URL(url), { port: String(this.peer(name).proxy.port), username: ROLE }).href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started[Symbol.asyncDispose]();
  }
}

function portOf(address: string): string {
  return address.split(':')[1]!;
}

type Acts = Omit<Peer, 'proxy' | 'disk'>;

function postgres(server: PostgresServer): Acts {
  const leave = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ROLE}'`;
  return {
    stop: (how) => server.stop(how === 'orderly' ? 'fast' : 'immediate'),
    start: async () => {
      const isUp = async () => {
        if (!(await server.isRunning())) await server.start();
        return await server.query('SELECT 1').then(
          () => true,
          () => false,
        );
      };
      await until(isUp, { what: 'Postgres to be up again', interval: 100 });
    },
    revoke: async () => void (await server.query(`ALTER ROLE ${ROLE} NOLOGIN; ${leave}`)),
    restore: async () => void (await server.query(`ALTER ROLE ${ROLE} LOGIN`)),
  };
}

function s3Store(server: S3Server): Acts {
  return {
    stop: () => server.stop(),
    start: async () => {
      await server.stop();
      await server.start();
    },
    revoke: () => server.revoke(),
    restore: async () => {
      await server.stop();
      await server.start();
    },
  };
}

function broker(kafka: KafkaServer, proxy: TcpProxy): Acts {
  const node = kafka.node(1);
  return {
    stop: (how) => node.signal(how === 'orderly' ? 'SIGTERM' : 'SIGKILL'),
    start: async () => {
      await node.signal('SIGKILL');
      await node.start();
      await kafka.answers(1);
    },
    // Whoever has logged in stays so; what revokes a login ends its sessions, too.
    revoke: async () => {
      await setPassword(kafka, 'another password');
      proxy.cut();
    },
    restore: () => setPassword(kafka, KAFKA_USER.password),
  };
}

const SCRAM_SHA_512 = 2;

async function setPassword(kafka: KafkaServer, password: string): Promise<void> {
  const [salt, iterations] = [randomBytes(16), 4096];
  const saltedPassword = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  const login = { name: KAFKA_USER.username, mechanism: SCRAM_SHA_512, iterations, salt, saltedPassword };
  const cluster = new Cluster(plainConnection(kafka.brokers));
  try {
    await cluster.askAny(alterUserScramCredentialsV0.api, [], [login]);
  } finally {
    await cluster.close();
  }
}
