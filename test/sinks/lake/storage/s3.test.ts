import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { S3Storage } from '../../../../sinks/lake/storage/s3.ts';
import { type S3Server, startS3 } from '../../../support/lake/s3.ts';
import { S3Proxy } from '../../../support/lake/s3-proxy.ts';
import { until } from '../../../support/wait.ts';
import { addressOf } from '../storages.ts';

let server: S3Server;
let proxy: S3Proxy;
let directory: string;
before(async () => {
  server = await startS3();
  proxy = await S3Proxy.before(server.endpoint);
  directory = await mkdtemp(join(tmpdir(), 'pgveil-upload-'));
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function spoiled(spoil: S3Proxy['spoil'], silenceMs?: number) {
  proxy.spoil = spoil;
  const bucket = await server.bucket();
  const address = { ...addressOf(server), endpoint: proxy.endpoint, bucket, prefix: 'lake/' };
  const storage = new S3Storage(address, silenceMs);
  return { storage, bucket };
}

/** The first `count` requests of this method. */
function first(count: number, wanted: string, spoil: 'busy' | 'lost'): S3Proxy['spoil'] {
  return (method) => (method === wanted && count-- > 0 ? spoil : null);
}

async function unfinishedUploads(bucket: string): Promise<number> {
  const { Uploads = [] } = await server.client().send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads.length;
}

async function largeFile(): Promise<string> {
  const file = join(directory, 'large');
  await writeFile(file, Buffer.alloc(20 * 1024 * 1024, 'x'));
  return file;
}

test('an answer that ends in the middle is not waited for', async () => {
  const { storage } = await spoiled((method) => (method === 'GET' ? 'half' : null), 500);
  await storage.put('object', Buffer.from('0123456789'));
  const saw = storage.get('object').then(
    () => 'an answer',
    ({ code }) => code,
  );
  assert.equal(await until(() => saw, { what: 'it to be given up' }), 'lake_away');
});

test('a server that is busy for a moment is asked again', async () => {
  const { storage } = await spoiled(first(2, 'PUT', 'busy'));
  assert.equal(await storage.putIfAbsent('a', Buffer.from('mine')), true);
});

test('a server that stays busy is away, in words that name no bucket', async () => {
  const { storage, bucket } = await spoiled(() => 'busy');
  await assert.rejects(storage.get('a'), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'lake_away');
    assert.ok(!error.message.includes(bucket));
    return true;
  });
});

test('who put an object and lost the answer is told that it was the one', async () => {
  const { storage } = await spoiled(first(1, 'PUT', 'lost'));
  assert.equal(await storage.putIfAbsent('a', Buffer.from('mine')), true);
});

test('who swapped and lost the answer is told the new tag', async () => {
  const { storage } = await spoiled(() => null);
  const before = await storage.swap('state', Buffer.from('1'), null);
  proxy.spoil = first(1, 'PUT', 'lost');
  const tag = await storage.swap('state', Buffer.from('2'), before);
  assert.equal(tag, (await storage.load('state'))!.etag);
});

test('an upload survives a busy and a lost part', async () => {
  let parts = 0;
  const { storage } = await spoiled((_, url) => {
    if (!url.includes('partNumber=')) return null;
    return [null, 'busy', 'lost'][parts++] as 'busy' | 'lost' | null;
  });
  await storage.upload('large', await largeFile());
  for await (const { size } of storage.list('large')) assert.equal(size, 20 * 1024 * 1024);
  assert.ok(await storage.get('large'));
});

test('an upload that fails leaves neither an object nor parts', async () => {
  const { storage, bucket } = await spoiled((_, url) => (url.includes('partNumber=2') ? 'busy' : null));
  await assert.rejects(storage.upload('large', await largeFile()), { code: 'lake_away' });
  assert.equal(await storage.get('large'), null);
  assert.equal(await unfinishedUploads(bucket), 0);
});

test('a sweep aborts what an instance before had begun, and only below its own prefix', async () => {
  const { storage, bucket } = await spoiled(() => null);
  for (const Key of ['lake/t/1.parquet', 'lake/t/2.parquet', 'another/3.parquet']) {
    await server.client().send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
  }
  await storage.sweep();
  assert.equal(await unfinishedUploads(bucket), 1);
});

test('a sweep for those who are not alone leaves what was begun lately', async () => {
  const { storage, bucket } = await spoiled(() => null);
  await server.client().send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'lake/t/1.parquet' }));
  assert.equal(await storage.sweep(Date.now() - 3_600_000), 0);
  assert.equal(await unfinishedUploads(bucket), 1);
  assert.equal(await storage.sweep(Date.now() + 3_600_000), 1);
  assert.equal(await unfinishedUploads(bucket), 0);
});

test('a server that nobody answers for is away, refused credentials are a person’s business', async () => {
  const { bucket } = await spoiled(() => null);
  const away = new S3Storage({ ...addressOf(server), endpoint: 'http://127.0.0.1:9', bucket, prefix: '' });
  await assert.rejects(away.get('a'), { code: 'lake_away' });
  const credentials = { ...server.credentials, secretAccessKey: 'another' };
  const refused = new S3Storage({ ...addressOf(server), credentials, bucket, prefix: '' });
  await assert.rejects(refused.put('a', Buffer.from('a')), { code: 'lake_rights' });
});
