import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constant } from '../../transforms/constant.ts';
import { testTransform } from '../acceptance/transform.ts';
import { columnOf, constantly } from './fixture.ts';
import { digits, foreignText } from './values.ts';

testTransform({
  name: 'constant text',
  rule: constantly('00000'),
  type: 'varchar(5)',
  value: foreignText(4, 5),
  isValid: (result) => result === '00000',
  hides: 'all',
  isKeyed: false,
  refuses: 'varchar(4)',
});
testTransform({
  name: 'constant number',
  rule: constantly('0'),
  type: 'numeric(10,2)',
  value: (random) => `${random.int(1, 9)}${digits(random, 5)}.${digits(random, 2)}`,
  isValid: (result) => result === '0.00',
  hides: 'value',
  isKeyed: false,
  refuses: 'uuid',
});

test('a constant that does not fit is refused without being shown', () => {
  const message = constant.misfit(columnOf('date'), { value: 'canary-in-the-configuration', nulls: true })!;
  assert.match(message, /is not known to be a value of type date/);
  assert.ok(!message.includes('canary'));
});
