import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faker } from '@faker-js/faker/locale/en';
import { customer, order, product } from '../../demo/people.ts';
import * as words from '../../demo/words.ts';
import { Random } from '../support/random/prng.ts';

test('the same seed gives the same people', () => {
  const some = () => {
    const random = new Random(7);
    const buyer = customer(random, 1);
    return [buyer, order(random, 1, buyer), product(random, 1)];
  };
  assert.deepEqual(some(), some());
});

test('no name of the shop is one that a fake could bear', () => {
  const dictionary = new Set(
    JSON.stringify(faker.rawDefinitions)
      .toLowerCase()
      .split(/[^a-z]+/),
  );
  const surnames = words.surnameBeginnings.flatMap((start) => words.surnameEndings.map((end) => start + end));
  const names = [...words.firstNames, ...surnames, ...words.streetBeginnings];
  assert.ok(dictionary.has('margaret'));
  assert.deepEqual(
    names.filter((name) => dictionary.has(name.toLowerCase())),
    [],
  );
});
