import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveKeys } from '../../transforms/keys.ts';
import { compileRule } from '../../transforms/rule.ts';
import { testTransform } from '../acceptance/transform.ts';
import { columnOf, KEY, truncated } from './fixture.ts';
import { foreignText } from './values.ts';

testTransform({
  name: 'truncate',
  rule: truncated(3),
  type: 'varchar(30)',
  value: foreignText(4, 30),
  isValid: (result) => [...result].length === 3,
  hides: 'all',
  isKeyed: false,
  refuses: 'uuid',
});

test('truncate keeps the first characters, and all of a shorter value', () => {
  const rewrite = compileRule(columnOf('text'), truncated(3), deriveKeys(KEY));
  assert.deepEqual(['abcdef', 'abc', 'ab', '', '💥💥💥💥'].map(rewrite), ['abc', 'abc', 'ab', '', '💥💥💥']);
});
