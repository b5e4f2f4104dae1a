import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fakes } from './fakes.ts';

test('one value has one pseudonym in all tables', () => {
  const fakes = new Fakes();
  assert.equal(fakes.problem('email', false, 'ann@a.test', 'zoe@example.com'), null);
  assert.equal(fakes.problem('email', false, 'ann@a.test', 'zoe@example.com'), null);
  assert.match(fakes.problem('email', false, 'ann@a.test', 'max@example.com')!, /second pseudonym/);
});

test('unique and plain differ by a suffix only, and no two values share a unique one', () => {
  const fakes = new Fakes();
  fakes.problem('email', false, 'ann@a.test', 'zoe@example.com');
  assert.equal(fakes.problem('email', true, 'ann@a.test', 'zoe.a1b2c3@example.com'), null);
  assert.match(fakes.problem('email', true, 'bob@b.test', 'zoe.a1b2c3@example.com')!, /share/);
  fakes.problem('email', false, 'eve@c.test', 'kim@example.org');
  assert.match(fakes.problem('email', true, 'eve@c.test', 'lea.d4e5f6@example.org')!, /more than a suffix/);
});

test('a form that is not a fake’s, and raw values, are found', () => {
  const fakes = new Fakes();
  assert.match(fakes.problem('phone', false, '1234567', 'call me')!, /form/);
  assert.match(fakes.problem('email', false, 'a@example.com', 'a@example.com')!, /raw/);
  for (let person = 0; person < 10; person++)
    fakes.problem('city', false, `city${'x'.repeat(person)}`, `city${'x'.repeat(person)}`);
  assert.match(fakes.overallProblem()!, /11 of 11/);
});
