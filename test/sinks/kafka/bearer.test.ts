import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TokenLogin } from '../../../config/config.ts';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { copyOf, insert, positionAt, sketchTable, upTo, writeCopy } from '../../support/batches.ts';
import { type KafkaServer, startOwnKafka } from '../../support/kafka/kafka.ts';
import { BEARER_SETTINGS, CLIENT, TokenServer, unsignedToken } from '../../support/kafka/token-server.ts';
import { flatRecords } from './fold.ts';
import { addressOf, idsOf, markersWritten, optionsFor, plainConnection } from './parts.ts';

const signal = new AbortController().signal;
const table = sketchTable({ relation: 'thing', columns: { id: 'bigint' }, key: ['id'] });

describe('a broker that takes tokens', () => {
  let kafka: KafkaServer;
  let authority: string;
  before(async () => {
    // A session lasts no longer than the token that it began with.
    const settings = { ...BEARER_SETTINGS, 'connections.max.reauth.ms': '3600000' };
    kafka = await startOwnKafka({ secure: true, settings });
    authority = await kafka.certificate();
  });
  after(async () => await kafka[Symbol.asyncDispose]());

  const sinkWith = (token: TokenLogin['token'], pipeline = kafka.name('bearer')) => {
    const connection = {
      brokers: kafka.secureBrokers.map(addressOf),
      tls: { authority, certificate: null, key: null },
      sasl: { mechanism: 'OAUTHBEARER', token } as const,
    };
    return new KafkaSink(optionsFor(kafka, { pipeline, connection }));
  };
  const endpointOf = (tokens: TokenServer, secret: string = CLIENT.clientSecret) => ({
    ...{ url: tokens.url, clientId: CLIENT.clientId, clientSecret: new Secret(secret) },
    scope: 'topics:write',
  });

  test('is written with one that was given, and with none that is over', async () => {
    const sink = sinkWith(new Secret(unsignedToken(600)));
    assert.equal((await sink.open(signal)).position, null);
    await sink.close();
    await assert.rejects(sinkWith(new Secret(unsignedToken(-30))).open(signal), isCode('credentials_refused'));
    await assert.rejects(sinkWith(new Secret('no token')).open(signal), isCode('credentials_refused'));
  });

  test('is written with those of an endpoint, which says no to a wrong secret', async () => {
    await using tokens = await TokenServer.start(600);
    const sink = sinkWith(endpointOf(tokens));
    await sink.open(signal);
    await sink.close();
    assert.deepEqual([...new Set(tokens.scopes)], ['topics:write']);
    assert.ok(tokens.given <= 2, `${tokens.given} tokens for one session`);
    await assert.rejects(sinkWith(endpointOf(tokens, 'another')).open(signal), isCode('credentials_refused'));
    await tokens[Symbol.asyncDispose]();
    await assert.rejects(sinkWith(endpointOf(tokens)).open(signal), isCode('kafka_away'));
  });

  test('is written on and on, with new tokens before the old ones are over', async () => {
    await using tokens = await TokenServer.start(5);
    const pipeline = kafka.name('bearer');
    const sink = sinkWith(endpointOf(tokens), pipeline);
    await sink.open(signal);
    await writeCopy(sink, copyOf(table, []));
    let rows = 0;
    for (let pos = 0x200n; tokens.given < 8; pos += 0x10n) {
      await sink.write(upTo(pos, [insert(table, [`${++rows}`])]));
      await sink.flush(positionAt(pos));
    }
    // A topic is made by other connections than those that write.
    await writeCopy(sink, copyOf(sketchTable({ relation: 'other', columns: { id: 'bigint' }, key: ['id'] }), []));
    await sink.close();
    const cluster = new Cluster(plainConnection(kafka.brokers));
    try {
      await markersWritten(cluster, idsOf(pipeline));
      const written = (await flatRecords(cluster, `${pipeline}.public.thing`)).filter(({ op }) => op === 'c');
      assert.equal(written.length, rows);
    } finally {
      await cluster.close();
    }
  });
});

function isCode(code: PgveilError['code']) {
  return (error: PgveilError) => {
    assert.equal(error.code, code, error.stack);
    return true;
  };
}
