import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startKafka, startOwnKafka } from './kafka.ts';

test('a Kafka for tests answers, with TLS and SASL too, and is gone behind the test', async () => {
  const kafka = await startOwnKafka({ secure: true });
  assert.equal(kafka.brokers.length, 1);
  assert.equal(kafka.secureBrokers.length, 1);
  assert.match(await kafka.certificate(), /BEGIN CERTIFICATE/);
  await kafka[Symbol.asyncDispose]();
  assert.equal(kafka.node(1).isRunning, false);
});

test('a node that is killed comes back with what it had', async () => {
  await using kafka = await startOwnKafka();
  await kafka.node(1).signal('SIGKILL');
  await kafka.node(1).start();
  await kafka.answers(1);
});

test('a broker that may be shared answers', async () => {
  await using kafka = await startKafka();
  await kafka.answers(1);
  assert.notEqual(kafka.name('topic'), kafka.name('topic'));
});
