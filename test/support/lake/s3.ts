// A real S3 server for tests: `await using server = await startS3()`.
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../postgres/ready.ts';
import { fetchedImage } from '../servers/docker.ts';
import { until } from '../wait.ts';
import { ACCESS_KEY, builtProgram, IMAGE, type Running, runContainer, runProgram, SECRET_KEY } from './s3-server.ts';

const REGION = 'us-east-1';

/** In this order: the address in PGVEIL_TEST_S3 (http://key:secret@host:port), a container where Docker answers, one built by Go. */
export async function startS3(): Promise<S3Server> {
  const given = process.env.PGVEIL_TEST_S3;
  return given ? await S3Server.at(new URL(given), null) : await startOwnS3();
}

/** One that nobody else uses: the test stops it. `directory`: where its files are, if not beside those of all others. */
export async function startOwnS3(directory?: string): Promise<S3Server> {
  const port = await freePort();
  const image = await fetchedImage(IMAGE);
  const running = image
    ? await runContainer(image, port, directory)
    : await runProgram(await builtProgram(), port, directory);
  return await S3Server.at(new URL(`http://${ACCESS_KEY}:${SECRET_KEY}@127.0.0.1:${port}`), running);
}

/** Builds or downloads what the first server would, and says in words where servers come from. */
export async function prepareS3(): Promise<string> {
  if (process.env.PGVEIL_TEST_S3) return new URL(process.env.PGVEIL_TEST_S3).host;
  const image = await fetchedImage(IMAGE);
  if (image) return `Docker's ${image}`;
  await builtProgram();
  return 'Go modules';
}

export class S3Server implements AsyncDisposable {
  readonly endpoint: string;
  readonly region = REGION;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly #running: Running | null;
  readonly #client: S3Client;

  private constructor(address: URL, running: Running | null) {
    this.endpoint = address.origin;
    this.credentials = {
      accessKeyId: decodeURIComponent(address.username),
      secretAccessKey: decodeURIComponent(address.password),
    };
    this.#running = running;
    this.#client = this.client();
  }

  static async at(address: URL, running: Running | null): Promise<S3Server> {
    const server = new S3Server(address, running);
    await server.#comesUp();
    return server;
  }

  /** The SDK's own client, to look at the server with. */
  client(): S3Client {
    const { endpoint, region, credentials } = this;
    return new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  }

  /** As by a power cut. Never of a server that was given. */
  async stop(): Promise<void> {
    await this.#running!.stop();
  }

  /** Resolves once it answers again. */
  async start(): Promise<void> {
    await this.#running!.start();
    await this.#comesUp();
  }

  /** From here on its key has another secret, until `start`. */
  async revoke(): Promise<void> {
    await this.#running!.stop();
    await this.#running!.start('another-secret');
  }

  /** A new and empty bucket. */
  async bucket(): Promise<string> {
    const bucket = `pgveil-${randomBytes(6).toString('hex')}`;
    await this.#client.send(new CreateBucketCommand({ Bucket: bucket }));
    return bucket;
  }

  async #comesUp(): Promise<void> {
    await until(() => this.#answers(), { what: `S3 at ${this.endpoint} to answer` });
  }

  async #answers(): Promise<boolean> {
    return await this.#client.send(new ListBucketsCommand({})).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    await this.#running?.remove();
  }
}
