// Every storage that a lake can lie in, for suites that must pass on each.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { FolderStorage } from '../../../sinks/lake/storage/folder.ts';
import { S3Storage } from '../../../sinks/lake/storage/s3.ts';
import type { Storage } from '../../../sinks/lake/storage/storage.ts';
import { type S3Server, startS3 } from '../../support/lake/s3.ts';

/** Who writes to a sink without a lane says himself when it is flushed. */
export const SETTINGS = {
  flush: { bytes: Number.POSITIVE_INFINITY, everyMs: Number.POSITIVE_INFINITY },
  timestamps: 'timestamp_ntz',
} as const;

/** A storage with nothing in it; `again` opens the same place as another process would. */
export interface Place {
  readonly storage: Storage;
  again(): Storage;
  /** For readers of other makers: a path or URL, and what they want to know besides. */
  readonly url: string;
  readonly options: Readonly<Record<string, string>>;
}

/** `name` tells places apart; one without is of nobody else. */
export type MakePlace = (name?: string) => Place;

export function onEveryStorage(declare: (makePlace: MakePlace) => void): void {
  describe('in a folder', () => {
    let root: string;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'pgveil-lake-'));
    });
    after(() => rm(root, { recursive: true, force: true }));
    declare((name = randomUUID()) => {
      const folder = join(root, name);
      return { storage: new FolderStorage(folder), again: () => new FolderStorage(folder), url: folder, options: {} };
    });
  });

  describe('on S3', () => {
    let server: S3Server;
    let bucket: string;
    before(async () => {
      server = await startS3();
      bucket = await server.bucket();
    });
    after(() => server[Symbol.asyncDispose]());
    declare((name = randomUUID()) => {
      const address = { ...addressOf(server), bucket, prefix: `some/prefix/${name}/` };
      const url = `s3://${bucket}/${address.prefix.slice(0, -1)}`;
      return { storage: new S3Storage(address), again: () => new S3Storage(address), url, options: optionsOf(server) };
    });
  });
}

function optionsOf({ endpoint, region, credentials }: S3Server): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ALLOW_HTTP: 'true',
  };
}

export function addressOf({ endpoint, region, credentials }: S3Server) {
  return { endpoint, region, credentials };
}
