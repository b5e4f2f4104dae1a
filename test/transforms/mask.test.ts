import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deriveKeys } from '../../transforms/keys.ts';
import { compileRule } from '../../transforms/rule.ts';
import { testTransform } from '../acceptance/transform.ts';
import { columnOf, KEY, masked } from './fixture.ts';
import { foreignText } from './values.ts';

const isShort = (result: string) => [...result].length <= 40;

testTransform({
  name: 'mask of everything',
  rule: masked(),
  type: 'varchar(40)',
  value: foreignText(1, 40),
  isValid: isShort,
  hides: 'all',
  isKeyed: false,
  refuses: 'integer',
});
testTransform({
  name: 'mask but for the first and the last two',
  rule: masked(2, 2, '#'),
  type: 'public.citext',
  value: foreignText(1, 40),
  isValid: isShort,
  hides: 'all',
  isKeyed: false,
  refuses: 'date',
});

describe('mask gives', () => {
  const cases: [rule: [first: number, last: number, cover?: string], value: string, result: string][] = [
    [[0, 0], 'secret', '******'],
    [[2, 0], 'secret', 'se****'],
    [[0, 2], 'secret', '****et'],
    [[1, 1, 'x'], 'secret', 'sxxxxt'],
    [[3, 3], 'secret', '******'],
    [[3, 2], 'secret', 'sec*et'],
    [[9, 9], 'secret', '******'],
    [[2, 2], '', ''],
    [[1, 1], '💥ab💥', '💥**💥'],
    [[1, 0], '日本語', '日**'],
    [[0, 1, '💥'], 'abc', '💥💥c'],
    [[2, 2], 'x'.repeat(200), `xx${'*'.repeat(196)}xx`],
    [[1, 0], 'ab   ', 'a****'],
  ];
  for (const [[first, last, cover], value, result] of cases) {
    test(`${result.slice(0, 20)} for ${value.slice(0, 20)} with ${first} first and ${last} last`, () => {
      assert.equal(compileRule(columnOf('text'), masked(first, last, cover), deriveKeys(KEY))(value), result);
    });
  }
});

describe('mask covers a value of char(n) that is no longer than what stays', () => {
  for (const type of ['char(10)', 'public.plate']) {
    test(type, () => {
      const rewrite = compileRule(columnOf(type), masked(4), deriveKeys(KEY));
      assert.equal(rewrite('ABCD      '), '****');
      assert.equal(rewrite('ABCDE     '), 'ABCD*');
      assert.equal(rewrite('          '), '');
    });
  }
});

test('a cover of more bytes than `name` has room for is withheld', () => {
  const rewrite = compileRule(columnOf('name'), masked(0, 0, '💥'), deriveKeys(KEY));
  assert.equal(rewrite('x'.repeat(15)), '💥'.repeat(15));
  assert.equal(rewrite('x'.repeat(16)), null);
});
