import assert from 'node:assert/strict';
import { test } from 'node:test';
import { troubleOf } from '../../../../sinks/kafka/client/trouble.ts';

test('a broker that refuses the time of a message is said to be one with another clock', () => {
  const { code, message, fix } = troubleOf('INVALID_TIMESTAMP');
  assert.equal(code, 'kafka_failed');
  assert.match(message, /time/);
  assert.match(fix, /clock/);
});
