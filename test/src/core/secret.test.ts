import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../../src/core/secret.ts';

test('a secret is given to the one who asks for it', () => {
  assert.equal(new Secret('hunter2').reveal(), 'hunter2');
});

test('a secret is in nothing that prints, logs or serialises it', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: null, customInspect: true }),
    inspect(secret, { customInspect: false, showHidden: true }),
    JSON.stringify(structuredClone({ ...secret })),
  ];
  for (const text of shown) assert.doesNotMatch(text, /hunter2/);
});

test('the bytes of a key do not show either', () => {
  const shown = inspect(new Secret(Buffer.from('hunter2')), { customInspect: false, showHidden: true });
  assert.doesNotMatch(shown, /hunter2|68 75 6e/);
});
