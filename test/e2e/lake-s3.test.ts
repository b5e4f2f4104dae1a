import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { S3Storage } from '../../sinks/lake/storage/s3.ts';
import type { Storage } from '../../sinks/lake/storage/storage.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { assertBothEqual } from '../support/lake/lake.ts';
import { type S3Server, startS3 } from '../support/lake/s3.ts';
import { S3Proxy } from '../support/lake/s3-proxy.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Trial } from '../support/trial/trial.ts';
import { PATIENCE_MS } from '../support/wait.ts';

// A twin, and a lake in a bucket of a real S3 server that is busy, slow and loses answers.

let servers: Servers;
let s3: S3Server;
before(async () => {
  [servers, s3] = await Promise.all([Servers.start(), startS3()]);
});
after(() => Promise.all([servers[Symbol.asyncDispose](), s3[Symbol.asyncDispose]()]));

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, name text, note text, paid numeric(12,2));
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE visit (place text, number integer, at timestamptz, PRIMARY KEY (place, number));
  INSERT INTO person SELECT i, 'person ' || i, repeat(md5(i::text), 100), i / 7.0 FROM generate_series(1, 1000) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, now() FROM generate_series(1, 1000) i;
`;

const tables: Tables = {
  'public.person': { columns: { id: 'keep', name: { fake: 'name' }, note: 'keep', paid: 'keep' } },
  'public.visit': { columns: { place: 'hash', number: 'keep', at: 'keep' } },
};

/** A pipeline whose lake is behind a proxy, and the same lake without one. */
async function withBucket(work: (trial: Trial, proxy: S3Proxy, storage: Storage) => Promise<void>): Promise<void> {
  const bucket = await s3.bucket();
  await using proxy = await S3Proxy.before(s3.endpoint);
  const { accessKeyId, secretAccessKey } = s3.credentials;
  await using trial = await servers.trial(SETUP, tables, {
    lake: { url: `s3://${bucket}/some/prefix`, endpoint: proxy.endpoint },
    environment: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  });
  const { endpoint, region, credentials } = s3;
  const prefix = `some/prefix/${trial.name}/`;
  await work(trial, proxy, new S3Storage({ bucket, prefix, endpoint, region, credentials }));
}

describe('a lake in a bucket', () => {
  test('is checked, filled and dropped', async () => {
    await withBucket(async (trial, _, storage) => {
      const checked = await trial.command(['check', '--json']);
      assert.deepEqual([checked.code, checked.stderr], [0, ''], checked.stdout);
      await trial.catchUp();
      await trial.source.query('UPDATE person SET paid = paid + 1');
      await trial.catchUp();
      await assertBothEqual(trial, storage);
      const dropped = await trial.command(['drop', '--data', '--yes']);
      assert.match(dropped.stdout, /removed checkpoint and 2 tables in sink lake/);
      for await (const { name } of storage.list('')) assert.fail(`${name} is still there`);
    });
  });

  test('that is not there, or not for these credentials, is a finding', async () => {
    await withBucket(async (trial) => {
      const configuration = trial.configuration() as { sinks: { lake: { url: string } } };
      const codes = async (args: Parameters<Trial['pgveil']>[0], environment = {}) => {
        const { stdout } = await trial.pgveil(args, PATIENCE_MS, environment);
        return JSON.parse(stdout).findings.map(({ code, object }: Record<string, string>) => `${code} ${object}`);
      };
      const check = ['check', '--json', '-c', await trial.write(configuration)];
      assert.deepEqual(await codes(check, { AWS_SECRET_ACCESS_KEY: 'another' }), ['lake_rights sinks.lake.url']);
      configuration.sinks.lake.url = 's3://nobody-made-this-bucket/prefix';
      const other = ['check', '--json', '-c', await trial.write(configuration)];
      assert.deepEqual(await codes(other), ['lake_unfit sinks.lake.url']);
    });
  });

  for (const seed of [1, 2, 3]) {
    test(`that is busy, slow and loses answers, under kill -9, equals the twin in the end (seed ${seed})`, async () => {
      await withBucket(async (trial, proxy, storage) => {
        const random = new Random(seed);
        const trouble = new Random(seed + 100);
        proxy.spoil = () => {
          const spoil = trouble.weighted({ none: 85, busy: 5, lost: 5, slow: 5 });
          return spoil === 'none' ? null : spoil;
        };
        const changes = await RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables));
        for (let round = 0; round < 4; round++) {
          const pgveil = await trial.run();
          if (round > 0) await pgveil.isReady();
          await changes.transactions(random.int(50, 1_000));
          await pgveil.kill();
          await changes.transactions(random.int(1, 200));
        }
        proxy.spoil = () => null;
        await trial.catchUp();
        await assertBothEqual(trial, storage);
      });
    });
  }
});
