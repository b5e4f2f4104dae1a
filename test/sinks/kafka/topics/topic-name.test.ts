import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTakenFor, topicName } from '../../../../sinks/kafka/topics/topic-name.ts';

const template = { template: '{name}.{schema}.{table}', pipeline: 'shop' };
const nameOf = (schema: string, relation: string) => topicName(template, { schema, relation });

test('a plain name stands as it is, and all else is encoded', () => {
  assert.equal(nameOf('public', 'order_line2'), 'shop.public.order_line2');
  assert.equal(nameOf('public', 'Order Items'), 'shop.public.Order-20Items');
  assert.equal(nameOf('a.b', 'c'), 'shop.a-2eb.c');
  assert.equal(nameOf('public', 'é/-'), 'shop.public.-c3-a9-2f-2d');
});

test('no two tables share a topic, and every name is one that Kafka takes', () => {
  const names = [
    'a',
    'A',
    'a.b',
    'a_b',
    'a-b',
    'a-2eb',
    'a b',
    '{table}',
    '$&',
    '..',
    '"',
    '\u{1F600}'.repeat(15),
    'x'.repeat(63),
  ];
  const topics = names.flatMap((schema) => names.map((relation) => nameOf(schema, relation)));
  assert.equal(new Set(topics).size, names.length ** 2);
  for (const topic of topics) assert.match(topic, /^[A-Za-z0-9._-]{1,249}$/);
});

test('names that differ in dots and underscores alone are one to a broker; with `-.` between schema and table there are none', () => {
  const parts = ['a', 'a_b', 'b', 'b_c', '_', '__', 'a_', '_a', 'a.b', 'a-', 'a-_'];
  const pairs = (used: string) => {
    const name = (schema: string, relation: string) =>
      topicName({ template: used, pipeline: 'shop' }, { schema, relation });
    const names = parts.flatMap((schema) => parts.map((relation) => name(schema, relation)));
    return names.flatMap((one) => names.filter((other) => isTakenFor(one, other)).map((other) => `${one} ${other}`));
  };
  assert.equal(isTakenFor(nameOf('a_b', 'c'), nameOf('a', 'b_c')), true);
  assert.equal(isTakenFor(nameOf('a_b', 'c'), nameOf('a_b', 'c')), false, 'itself');
  assert.notDeepEqual(pairs('{name}.{schema}.{table}'), []);
  assert.deepEqual(pairs('{name}.{schema}-.{table}'), []);
});
