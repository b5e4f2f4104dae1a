import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { asTrouble } from '../trouble.ts';
import { abortUploads, uploadInParts } from './multipart.ts';
import type { Storage, Stored, Tagged } from './storage.ts';

export interface S3Address {
  readonly bucket: string;
  /** Before every name: empty, or with a slash at its end. */
  readonly prefix: string;
  /** Null: as the SDK finds it, in the environment or the shared configuration. So are the credentials. */
  readonly region: string | null;
  /** Null: AWS. Of another store: its URL, and buckets are named in the path, since few stores have a name for each. */
  readonly endpoint: string | null;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

/** An answer that does not come must not hold the pipeline: the request is sent again, on another connection. */
const TIMEOUTS = { connectionTimeout: 5_000, throwOnRequestTimeout: true };
/** Until an answer begins, and within one that has begun. */
const SILENCE_MS = 30_000;
const ATTEMPTS = 4;

const NOT_FOUND = 404;
const CONFLICT = 409;
const PRECONDITION_FAILED = 412;

/** A lake in a bucket. Every content travels with a checksum, which the SDK makes and the store verifies, and the other way round. */
export class S3Storage implements Storage {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** `silenceMs`: how long the store may say nothing when it is its turn. */
  constructor({ bucket, prefix, region, endpoint, credentials }: S3Address, silenceMs = SILENCE_MS) {
    const requestHandler = { ...TIMEOUTS, requestTimeout: silenceMs, socketTimeout: silenceMs };
    const config: S3ClientConfig = { maxAttempts: ATTEMPTS, requestHandler };
    if (region) config.region = region;
    if (endpoint) Object.assign(config, { region: region ?? anyRegion, endpoint, forcePathStyle: true });
    if (credentials) config.credentials = credentials;
    this.#client = new S3Client(config);
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async get(name: string): Promise<Buffer | null> {
    return (await this.load(name))?.bytes ?? null;
  }

  async read(name: string, start: number, end: number): Promise<Buffer> {
    return await asTrouble(async () => {
      const range = `bytes=${start}-${end - 1}`;
      const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#at(name), Range: range }));
      return Buffer.from(await Body!.transformToByteArray());
    });
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    await asTrouble(() => this.#put(name, bytes, {}));
  }

  async putIfAbsent(name: string, bytes: Buffer): Promise<boolean> {
    return (await this.swap(name, bytes, null)) !== null;
  }

  async load(name: string): Promise<Tagged | null> {
    return await asTrouble(async () => {
      try {
        const { Body, ETag } = await this.#client.send(new GetObjectCommand(this.#at(name)));
        return { bytes: Buffer.from(await Body!.transformToByteArray()), etag: ETag! };
      } catch (error) {
        if (statusOf(error) === NOT_FOUND) return null;
        throw error;
      }
    });
  }

  async swap(name: string, bytes: Buffer, etag: string | null): Promise<string | null> {
    const condition = etag === null ? { IfNoneMatch: '*' } : { IfMatch: etag };
    return await asTrouble(async () => {
      try {
        return await this.#put(name, bytes, condition);
      } catch (error) {
        const status = statusOf(error);
        if (![NOT_FOUND, CONFLICT, PRECONDITION_FAILED].includes(status)) throw error;
      }
      // The SDK may have sent it twice, and met what the first attempt wrote.
      const there = await this.load(name);
      return there && bytes.equals(there.bytes) ? there.etag : null;
    });
  }

  async upload(name: string, file: string, signal?: AbortSignal): Promise<void> {
    await asTrouble(() => uploadInParts(this.#client, this.#at(name), file, signal));
  }

  async *list(prefix: string, after?: string): AsyncIterable<Stored> {
    const start = after === undefined ? {} : { StartAfter: this.#prefix + after };
    for (let token: string | undefined; ; ) {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix + prefix,
        ...(token === undefined ? start : { ContinuationToken: token }),
      });
      const { Contents = [], NextContinuationToken } = await asTrouble(() => this.#client.send(command));
      for (const { Key, Size, LastModified } of Contents) {
        yield { name: Key!.slice(this.#prefix.length), size: Size!, modified: LastModified!.getTime() };
      }
      if (NextContinuationToken === undefined) return;
      token = NextContinuationToken;
    }
  }

  async delete(name: string): Promise<void> {
    await asTrouble(() => this.#client.send(new DeleteObjectCommand(this.#at(name))));
  }

  async sweep(before = Infinity): Promise<number> {
    return await asTrouble(() => abortUploads(this.#client, this.#bucket, this.#prefix, before));
  }

  /** A store that does not know conditions takes no notice of them, and two instances would overwrite each other in silence. */
  async probe(): Promise<string | null> {
    if (!(await this.#hasBucket())) return `there is no bucket ${this.#bucket}`;
    const name = `_pgveil/probe-${randomUUID()}`;
    try {
      const etag = await this.swap(name, Buffer.from('1'), null);
      const isAbsent = etag !== null && !(await this.putIfAbsent(name, Buffer.from('2')));
      const isMatched = isAbsent && (await this.swap(name, Buffer.from('3'), '"other"')) === null;
      const isSwapped = isMatched && (await this.swap(name, Buffer.from('4'), etag)) !== null;
      return isSwapped ? null : 'the store does not know conditional writes (If-None-Match and If-Match)';
    } finally {
      await this.delete(name).catch(() => {}); // What is wrong was said already.
    }
  }

  /** Prefixes are gone with what lies below them. */
  async prune(): Promise<void> {}

  async #hasBucket(): Promise<boolean> {
    return await asTrouble(async () => {
      try {
        await this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: this.#prefix, MaxKeys: 1 }));
        return true;
      } catch (error) {
        if (statusOf(error) === NOT_FOUND) return false;
        throw error;
      }
    });
  }

  async #put(name: string, bytes: Buffer, condition: Partial<PutObjectCommandInput>): Promise<string> {
    const { ETag } = await this.#client.send(new PutObjectCommand({ ...this.#at(name), Body: bytes, ...condition }));
    return ETag!;
  }

  #at(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + name };
  }
}

/** What is signed names one, also where a store has none. */
async function anyRegion(): Promise<string> {
  return await new S3Client({}).config.region().catch(() => 'us-east-1');
}

function statusOf(error: unknown): number {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
}
