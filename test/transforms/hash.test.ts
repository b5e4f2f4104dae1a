import assert from 'node:assert/strict';
import { createHmac, hkdfSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { hash } from '../../transforms/hash.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { compileRule } from '../../transforms/rule.ts';
import { testTransform } from '../acceptance/transform.ts';
import { columnOf, hashed, KEY } from './fixture.ts';
import { foreignText } from './values.ts';

for (const [length, type] of [
  [32, 'text'],
  [64, 'varchar(64)'],
  [8, 'char(8)'],
] as const) {
  testTransform({
    name: `hash of ${length} digits`,
    rule: hashed(length),
    type,
    value: foreignText(3, 8),
    isValid: (result) => new RegExp(`^[0-9a-f]{${length}}$`).test(result),
    hides: 'all',
    isKeyed: true,
    refuses: 'bigint',
  });
}

describe('hash', () => {
  const rewrite = (length: number, semanticClass?: string) => {
    return compileRule(columnOf('text'), hashed(length, semanticClass), deriveKeys(KEY));
  };

  test('can be recomputed by others from the contract alone', () => {
    for (const semanticClass of ['hash', 'customer']) {
      const key = Buffer.from(hkdfSync('sha256', KEY.reveal(), '', `pgveil/1/${semanticClass}`, 32));
      const hex = createHmac('sha256', key).update('Zoë 💥').digest('hex');
      for (const length of [1, 31, 32, 64])
        assert.equal(rewrite(length, semanticClass)('Zoë 💥'), hex.slice(0, length));
    }
  });

  test('joins columns of one class and no others', () => {
    assert.equal(rewrite(32, 'customer')('Ada'), rewrite(32, 'customer')('Ada'));
    assert.notEqual(rewrite(32, 'customer')('Ada'), rewrite(32)('Ada'));
  });

  test('may stand on a key from 128 bits on', () => {
    assert.deepEqual(
      [31, 32, 64].map((length) => hash.injective(hashed(length).options as never)),
      [false, true, true],
    );
  });

  test('must fit the column', () => {
    const misfit = (type: string, length: number) => hash.misfit(columnOf(type), hashed(length).options as never);
    assert.match(misfit('varchar(31)', 32)!, /gives 32 characters, and the column holds 31/);
    assert.equal(misfit('varchar(32)', 32), null);
    assert.match(misfit('name', 64)!, /63/);
    for (const type of ['text', 'character varying', 'public.citext', 'public.mood', 'public.email']) {
      assert.equal(misfit(type, 64), null);
    }
  });
});
