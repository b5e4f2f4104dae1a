import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicName } from '../../../../sinks/kafka/topics/topic-name.ts';

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
