import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deriveKeys } from '../../transforms/keys.ts';
import { round } from '../../transforms/round.ts';
import { compileRule } from '../../transforms/rule.ts';
import { testTransform } from '../acceptance/transform.ts';
import { columnOf, KEY, rounded } from './fixture.ts';
import { decimalText } from './values.ts';

const claims: [type: string, digits: number, whole: number, decimals: number, isValid: RegExp][] = [
  ['numeric', 2, 40, 9, /^-?\d+\.\d\d$/],
  ['numeric(12,4)', 1, 7, 4, /^-?\d{1,8}\.\d000$/],
  ['numeric', -2, 30, 3, /^(0|-?[1-9]\d*00)$/],
  ['integer', -3, 9, 0, /^(0|-?[1-9]\d*000)$/],
  ['double precision', 1, 9, 5, /^-?\d+(\.\d)?$/],
  ['public.price', 0, 9, 2, /^-?\d+$/],
];
for (const [type, digits, whole, decimals, valid] of claims) {
  testTransform({
    name: `round of ${type} to ${digits} digits`,
    rule: rounded(digits),
    type,
    value: decimalText(whole, decimals),
    isValid: (result) => valid.test(result),
    hides: 'nothing',
    isKeyed: false,
    refuses: 'text',
  });
}

describe('round gives what Postgres gives', () => {
  // Each line was compared with round(value::numeric, digits) in a column of the type, on PostgreSQL 15.
  const cases: [type: string, digits: number, value: string, result: string | null][] = [
    ['numeric', 0, '0.5', '1'],
    ['numeric', 0, '-0.5', '-1'],
    ['numeric', 0, '-0.4', '0'],
    ['numeric', 0, '1.4999999999999999999999', '1'],
    ['numeric', 2, '99.995', '100.00'],
    ['numeric', 3, '1.5', '1.500'],
    ['numeric', -1, '15', '20'],
    ['numeric', -3, '499', '0'],
    ['numeric', -3, '500', '1000'],
    ['numeric', 0, `${'9'.repeat(2000)}.5`, `1${'0'.repeat(2000)}`],
    ['numeric', 2, 'NaN', 'NaN'],
    ['numeric', 2, '-Infinity', '-Infinity'],
    ['numeric(10,2)', 0, '12.34', '12.00'],
    ['numeric(10,2)', 5, '12.34', '12.34'],
    ['numeric(3,2)', 0, '9.99', null],
    ['numeric(3,5)', 4, '-0.00386', '-0.00390'],
    ['numeric(6,-2)', -3, '123500', '124000'],
    ['smallint', -4, '32767', '30000'],
    ['smallint', -3, '32767', null],
    ['integer', -1, '-2147483647', null],
    ['bigint', -1, '9223372036854775801', '9223372036854775800'],
    ['bigint', -1, '9223372036854775807', null],
    ['double precision', 2, '3.14159', '3.14'],
    ['double precision', 0, '-0.4', '0'],
    ['double precision', 0, '1e+20', '1e+20'],
    ['double precision', 5, '1.25e-05', '1e-05'],
    ['double precision', 4, '0.00012', '0.0001'],
    ['double precision', -15, '1.6e+15', '2e+15'],
    ['double precision', 3, 'Infinity', 'Infinity'],
    ['real', -2, '1.23456e+06', '1.2346e+06'],
    ['real', 1, '123.46', '123.5'],
  ];
  for (const [type, digits, value, result] of cases) {
    test(`for ${value.slice(0, 24)} as ${type}, ${digits} digits`, () => {
      assert.equal(compileRule(columnOf(type), rounded(digits), deriveKeys(KEY))(value), result);
    });
  }
});

test('what is no number is withheld, not passed', () => {
  const rewrite = compileRule(columnOf('public.price'), rounded(0), deriveKeys(KEY));
  for (const value of ['', '$1.00', '1,5', '0x1', '1e', '--1', 'infinity', '1.2.3']) assert.equal(rewrite(value), null);
});

test('round is for numbers, of which it has to leave a digit', () => {
  const misfit = (type: string, digits: number) => round.misfit(columnOf(type), rounded(digits).options as never);
  assert.match(misfit('text', 0)!, /is for numbers/);
  assert.match(misfit('numeric(5,2)', -3)!, /leaves no digit/);
  assert.match(misfit('numeric(3,3)', 0)!, /leaves no digit/);
  assert.equal(misfit('numeric(5,2)', -2), null);
  assert.equal(misfit('numeric', -100), null);
});
