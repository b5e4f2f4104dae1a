import { type FileHandle, open } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** S3 takes parts of 5 MiB to 5 GiB and 10,000 of them; one part is in memory at a time. */
const PART_BYTES = 8 * 1024 * 1024;

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/** Uploads a file. Nothing is to be seen of it before it is whole; when it fails nothing stays. Once `signal` aborts it rejects at once. */
export async function uploadInParts(client: S3Client, place: Place, path: string, signal?: AbortSignal): Promise<void> {
  const options = signal ? { abortSignal: signal } : {};
  await using file = await open(path);
  const { size } = await file.stat();
  if (size <= PART_BYTES) {
    await client.send(new PutObjectCommand({ ...place, Body: await slice(file, 0, size) }), options);
    return;
  }
  const create = new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' });
  const { UploadId } = await client.send(create, options);
  try {
    const parts = await sendParts(client, { ...place, UploadId: UploadId! }, file, size, options);
    const complete = new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } });
    await client.send(complete, options);
  } catch (error) {
    // Parts of an upload that is never completed are paid for and not listed. What cannot be aborted now is at the next start.
    const aborted = client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
    if (!signal?.aborted) await aborted;
    throw error;
  }
}

async function sendParts(
  client: S3Client,
  upload: Place & { UploadId: string },
  file: FileHandle,
  size: number,
  options: { abortSignal?: AbortSignal },
) {
  const parts: CompletedPart[] = [];
  for (let start = 0; start < size; start += PART_BYTES) {
    const PartNumber: number = parts.length + 1;
    const Body = await slice(file, start, Math.min(start + PART_BYTES, size));
    const { ETag, ChecksumCRC32 } = await client.send(
      new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }),
      options,
    );
    parts.push({ PartNumber, ETag, ChecksumCRC32 });
  }
  return parts;
}

async function slice(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
    if (bytesRead === 0) throw Object.assign(new Error('the file became shorter'), { code: 'EIO' });
    at += bytesRead;
  }
  return bytes;
}

/** Ends all uploads under a prefix that were begun before `before` (ms since 1970) and not completed; gives their number. */
export async function abortUploads(client: S3Client, bucket: string, prefix: string, before: number): Promise<number> {
  let aborted = 0;
  for (let marker = {}; ; ) {
    const found = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }));
    for (const { Key, UploadId, Initiated } of found.Uploads ?? []) {
      if (Initiated && Initiated.getTime() >= before) continue;
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
      aborted++;
    }
    if (!found.IsTruncated) return aborted;
    marker = { KeyMarker: found.NextKeyMarker, UploadIdMarker: found.NextUploadIdMarker };
  }
}
