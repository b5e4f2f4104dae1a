import assert from 'node:assert/strict';
import { test } from 'node:test';
import { members } from '../../../../sinks/kafka/format/members.ts';

function read(json: string, start = 0): [string, string][] {
  const bytes = Buffer.from(json);
  return [...members(bytes, start)].map(({ name, start, end }) => [name, bytes.toString('utf8', start, end)]);
}

test('values stay the texts that they are, whatever stands in them', () => {
  const values: Record<string, string> = {
    a: '1',
    b: '9007199254740993.10',
    c: 'null',
    d: '""',
    e: '"a,b:c}\\"]\\\\"',
    f: '{"x":{"y":[1,{"z":"}"}]},"w":2}',
    g: '[]',
    h: '[[1,2],"]",{}]',
    'i \\"j\\"': 'true',
    é: '"ü"',
    last: '-1e5',
  };
  const json = `{${Object.entries(values).map(([name, value]) => `"${name}":${value}`)}}`;
  assert.deepEqual(read(json), Object.entries(values));
});

test('an object without fields has none, and one within another is read from where it begins', () => {
  assert.deepEqual(read('{}'), []);
  assert.deepEqual(read('{"a":{"b":1,"c":{}},"d":2}', 5), [
    ['b', '1'],
    ['c', '{}'],
  ]);
  assert.deepEqual(read('null'), []);
  assert.deepEqual(read('{"a":1', 0), [['a', '1']]);
});
