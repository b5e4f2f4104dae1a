// Where a soak takes place: a source and three sinks, each a real server of its own and each behind a proxy.
import { S3Storage } from '../../sinks/lake/storage/s3.ts';
import type { Storage } from '../../sinks/lake/storage/storage.ts';
import { type KafkaServer, startOwnKafka } from '../support/kafka/kafka.ts';
import { type S3Server, startOwnS3 } from '../support/lake/s3.ts';
import { TcpProxy } from '../support/servers/tcp-proxy.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { SETUP, tables } from './shop.ts';

export const SINKS = ['twin', 'lake', 'topics'] as const;

/** Room for what is read again after an outage: an operator's servers have it, those of the tests are small. */
const SETTINGS = { shared_buffers: '256MB', max_wal_size: '2GB' };

export class Place implements AsyncDisposable {
  readonly servers: Servers;
  readonly s3: S3Server;
  readonly kafka: KafkaServer;
  readonly proxies: Readonly<Record<'source' | (typeof SINKS)[number], TcpProxy>>;
  readonly trial: Trial;
  readonly #bucket: string;
  readonly #all: AsyncDisposableStack;

  private constructor(
    parts: Pick<Place, 'servers' | 's3' | 'kafka' | 'proxies' | 'trial'>,
    bucket: string,
    all: AsyncDisposableStack,
  ) {
    this.servers = parts.servers;
    this.s3 = parts.s3;
    this.kafka = parts.kafka;
    this.proxies = parts.proxies;
    this.trial = parts.trial;
    this.#bucket = bucket;
    this.#all = all;
  }

  /** With these keys in each of `sinks`. */
  static async start(keys: Readonly<Record<string, unknown>>): Promise<Place> {
    await using all = new AsyncDisposableStack();
    const servers = all.use(await Servers.start({ sourceSettings: SETTINGS, twinSettings: SETTINGS }));
    const s3 = all.use(await startOwnS3());
    const [source, twin, lake, topics] = await Promise.all(
      [1, 2, 3, 4].map(async () => all.use(await TcpProxy.open())),
    );
    // Brokers tell their clients where to connect to: through the proxy.
    const settings = { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${topics!.port}` };
    const kafka = all.use(await startOwnKafka({ settings }));
    const proxies = { source: source!, twin: twin!, lake: lake!, topics: topics! };
    proxies.source.leadTo(servers.source.port);
    proxies.twin.leadTo(servers.twin.port);
    proxies.lake.leadTo(Number(new URL(s3.endpoint).port));
    proxies.topics.leadTo(Number(kafka.brokers[0]!.split(':')[1]));
    const bucket = await s3.bucket();
    const { accessKeyId, secretAccessKey } = s3.credentials;
    const trial = all.use(
      await servers.trial(SETUP, tables, {
        sink: keys,
        lake: { url: `s3://${bucket}/soak`, endpoint: s3.endpoint, ...keys },
        kafka: { brokers: kafka.brokers, format: 'flat', topics: { partitions: 2 }, ...keys },
        environment: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      }),
    );
    return new Place({ servers, s3, kafka, proxies, trial }, bucket, all.move());
  }

  /** The trial's configuration with every server behind its proxy. */
  get configuration(): Record<string, unknown> {
    const { source, sinks } = this.trial.configuration() as Record<string, Record<string, Record<string, unknown>>>;
    const { proxies } = this;
    return {
      source: { ...source, url: through(proxies.source, this.trial.sourceUrl) },
      sinks: {
        twin: { ...sinks!.twin, url: through(proxies.twin, this.trial.twinUrl) },
        lake: { ...sinks!.lake, endpoint: `http://127.0.0.1:${proxies.lake.port}` },
        topics: { ...sinks!.topics, brokers: [`127.0.0.1:${proxies.topics.port}`] },
      },
    };
  }

  get lake(): Storage {
    const { endpoint, region, credentials } = this.s3;
    const prefix = `soak/${this.trial.name}/`;
    return new S3Storage({ bucket: this.#bucket, prefix, endpoint, region, credentials });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all.disposeAsync();
  }
}

function through({ port }: TcpProxy, address: string): string {
  const url = new URL(address);
  url.host = `127.0.0.1:${port}`;
  return url.href;
}
