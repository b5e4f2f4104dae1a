import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FakeOptions } from '../../config/rules.ts';
import { dictionary } from '../../transforms/dictionary.ts';
import { fake } from '../../transforms/fake.ts';
import { FAKE_KINDS } from '../../transforms/fake-kinds.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { LOCALES } from '../../transforms/locales.ts';
import { compileRule } from '../../transforms/rule.ts';
import { testTransform } from '../acceptance/transform.ts';
import { Random } from '../support/random/prng.ts';
import { columnOf, faked, KEY } from './fixture.ts';
import { digits, foreignText } from './values.ts';

/** What a fake of each kind looks like, and a column that it fits. */
const KINDS: Readonly<Record<FakeOptions['kind'], [form: RegExp, type: string]>> = {
  firstName: [/^\p{L}[\p{L}\p{M}.' -]*$/u, 'varchar(20)'],
  lastName: [/^\p{L}[\p{L}\p{M}.' -]*$/u, 'varchar(20)'],
  name: [/^\p{L}[\p{L}\p{M}.' -]* \p{L}[\p{L}\p{M}.' -]*$/u, 'varchar(40)'],
  email: [/^[a-z]+\.[a-z]+@example\.(com|net|org)$/, 'varchar(50)'],
  phone: [/^\+1[2-4]\d\d55501\d\d$/, 'varchar(12)'],
  street: [/^\d{1,3} \p{L}|^\d{1,3} \d+\w\w /u, 'varchar(60)'],
  city: [/^\p{L}[\p{L}\p{M}.' ()/-]*$/u, 'varchar(40)'],
  postcode: [/^\d{5}$/, 'varchar(10)'],
  company: [/^\p{L}[\p{L}.' -]*-\p{L}[\p{L}.' -]* \p{L}[\p{L} ]*$/u, 'varchar(60)'],
};

for (const [kind, [form, type]] of Object.entries(KINDS)) {
  testTransform({
    name: `fake ${kind}`,
    rule: faked(kind as FakeOptions['kind']),
    type,
    value: foreignText(1, 10),
    isValid: (result) => form.test(result),
    hides: 'all',
    isKeyed: true,
    refuses: 'integer',
  });
}

testTransform({
  name: 'unique fake email',
  rule: faked('email', { unique: true, domain: 'example.org' }),
  type: 'varchar(50)',
  value: foreignText(3, 8),
  isValid: (result) => /^[a-z]+\.[a-z]+\.[0-9a-v]{16}@example\.org$/.test(result),
  hides: 'all',
  isKeyed: true,
  refuses: 'varchar(40)',
});

// Of two dozen words each is its own pseudonym now and then.
for (const kind of ['firstName', 'lastName', 'city'] as const) {
  const words = dictionary('en_AU_ocker')!;
  const list = { firstName: words.firstNames, lastName: words.lastNames, city: words.cities }[kind];
  testTransform({
    name: `fake ${kind} of a word of the dictionary, in any case`,
    rule: faked(kind, { locale: 'en_AU_ocker' }),
    type: 'text',
    value: (random) => random.pick([...list, ...list.map((word) => word.toUpperCase())]),
    isValid: (result) => list.includes(result),
    hides: 'value',
    isKeyed: true,
  });
}

testTransform({
  name: 'fake phone of a number that is one of them',
  rule: faked('phone', { locale: 'en_GB' }),
  type: 'varchar(20)',
  value: (random) => `+447700900${digits(random, 3)}`,
  isValid: (result) => /^\+44(20794|1134960|1214960|1314960|1414960|1614960|1632960|7700900)\d{3,5}$/.test(result),
  hides: 'value',
  isKeyed: true,
});
testTransform({
  name: 'fake postcode of a postcode',
  rule: faked('postcode'),
  type: 'char(8)',
  value: (random) =>
    `${random.pick(['SW', 'E', 'NW'])}${digits(random, 1)}${random.pick(['A', ''])} ${digits(random, 1)}BB`.slice(0, 8),
  isValid: (result) => /^[A-Z]{1,2}\d[A-Z]? \d[A-Z]{2}$/.test(result),
  hides: 'value',
  isKeyed: true,
});

function rewriteOf(kind: FakeOptions['kind'], options?: Partial<FakeOptions>, type = 'text') {
  return compileRule(columnOf(type), faked(kind, options), deriveKeys(KEY));
}

describe('a fake', () => {
  test('of what has not the form of its kind shows nothing of it', () => {
    assert.match(rewriteOf('phone')('call 555 0199 and ask for Bob')!, KINDS.phone[0]);
    assert.match(rewriteOf('phone')('+44 20 7946 0018')!, KINDS.phone[0]);
    assert.match(rewriteOf('postcode')('7')!, KINDS.postcode[0]);
    assert.match(rewriteOf('postcode')('Springfield, near 12345')!, KINDS.postcode[0]);
  });

  test('keeps whether a form begins with a zero', () => {
    for (let number = 100_000; number < 101_000; number++) {
      assert.match(rewriteOf('postcode')(`0${number}`)!, /^0\d{6}$/);
      assert.match(rewriteOf('postcode')(`${number}`)!, /^[1-9]\d{5}$/);
    }
  });

  test('of a phone number rings at nobody’s, in no locale', () => {
    const free: Readonly<Record<string, RegExp>> = {
      en: /^\+1[2-9]\d\d55501\d\d$/,
      en_GB: /^\+44(20794|1134960|1214960|1314960|1414960|1614960|1632960|7700900)\d{3,5}$/,
      en_IE: /^\+3532091\d{5}$/,
      en_AU: /^\+61[2378](5550|7010)\d{4}$/,
      de: /^\+49(3023125|4066969|6990009|8999998|2214710)\d{3}$/,
      fr: /^\+33(19900|26191|35301|46571|53649|63998)\d{4}$/,
      ja: /^\+999\d{9}$/,
    };
    for (const [locale, form] of Object.entries(free)) {
      const rewrite = rewriteOf('phone', { locale });
      const numbers = new Set(Array.from({ length: 500 }, (_, index) => rewrite(`0171 ${index}`)!));
      for (const number of numbers) assert.match(number, form);
      assert.ok(numbers.size > 400, `${locale}: ${numbers.size} of 500`);
    }
    for (const locale of Object.keys(LOCALES)) assert.match(rewriteOf('phone', { locale })('x')!, /^\+[1-9]\d{10,12}$/);
  });

  test('of a form that is its own pseudonym is the next one', () => {
    const hmac = deriveKeys(KEY).hmac('postcode');
    const { make } = FAKE_KINDS.postcode;
    const options = faked('postcode').options as FakeOptions;
    const all = Array.from({ length: 9900 }, (_, index) => String(100 + index));
    const own = all.filter((value) => make(dictionary('en')!, hmac(value), 0, value, options) === value);
    assert.ok(own.length > 0);
    for (const value of own) assert.notEqual(rewriteOf('postcode')(value), value);
  });

  test('of a unique address differs from the plain one by its suffix alone', () => {
    const random = new Random(1);
    const [plain, unique] = [rewriteOf('email'), rewriteOf('email', { unique: true })];
    for (let round = 0; round < 1000; round++) {
      const value = random.hex(12);
      assert.equal(unique(value)!.replace(/\.[0-9a-v]{16}@/, '@'), plain(value));
      const [, one, other] = /\.([0-9a-v]{8})([0-9a-v]{8})@/.exec(unique(value)!)!;
      assert.notEqual(one, other);
    }
  });

  test('of an address that is its own pseudonym is another, and the unique one goes along', () => {
    const plain = rewriteOf('email', { locale: 'en_AU_ocker' });
    const unique = rewriteOf('email', { locale: 'en_AU_ocker', unique: true });
    const { firstMailboxes, lastMailboxes } = dictionary('en_AU_ocker')!;
    for (const first of firstMailboxes) {
      for (const last of lastMailboxes) {
        const value = `${first}.${last}@example.com`;
        assert.notEqual(plain(value), value);
        assert.equal(unique(value)!.replace(/\.[0-9a-v]{16}@/, '@'), plain(value));
      }
    }
  });

  test('is withheld where it alone does not fit', () => {
    const rewrite = rewriteOf('lastName', {}, 'varchar(10)');
    const results = Array.from({ length: 2000 }, (_, index) => rewrite(String(index)));
    assert.ok(results.some((result) => result === null));
    assert.ok(results.every((result) => result === null || result.length <= 10));
  });
});

describe('fake is refused', () => {
  const misfit = (type: string, kind: FakeOptions['kind'], options?: Partial<FakeOptions>) => {
    return fake.misfit(columnOf(type), faked(kind, options).options as FakeOptions);
  };

  test('where its results would often not fit', () => {
    assert.match(misfit('varchar(10)', 'name')!, /often not fit the 10 characters/);
    assert.match(misfit('char(2)', 'city')!, /often not fit/);
    assert.equal(misfit('varchar(32)', 'email'), null);
    assert.match(misfit('varchar(48)', 'email', { unique: true }) ?? '', /^$/);
    assert.match(misfit('varchar(11)', 'phone')!, /often not fit the 11 characters/);
    assert.equal(misfit('varchar(13)', 'phone', { locale: 'ja' }), null);
  });

  test('for a locale that there is none of', () => {
    for (const locale of ['xx', 'base', 'constructor'])
      assert.match(misfit('text', 'city', { locale })!, /no such `locale`/);
  });
});

describe('the dictionaries', () => {
  test('are there for every locale of the package, each with two words and more in every list', () => {
    for (const locale of Object.keys(LOCALES)) {
      const { numberFirst, phoneNumbers, ...lists } = dictionary(locale)!;
      assert.ok(phoneNumbers.length >= 1);
      assert.equal(typeof numberFirst, 'boolean');
      for (const [list, words] of Object.entries(lists)) {
        assert.ok(words.length >= 2 && words.every((word) => word.trim() !== ''), `${locale} ${list}`);
      }
    }
  });

  test('give words of the locale', () => {
    assert.match(rewriteOf('street', { locale: 'de' })('x')!, /^\D.* \d{1,3}$/u);
    assert.match(
      rewriteOf('firstName', { locale: 'ja' })('x')!,
      /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+$/u,
    );
    assert.match(rewriteOf('email', { locale: 'ja' })('x')!, KINDS.email[0]);
  });

  test('are part of the plan by a hash of the lists that a kind uses', () => {
    const hash = (kind: FakeOptions['kind'], locale: string) =>
      fake.dictionary!(faked(kind, { locale }).options as FakeOptions);
    assert.notEqual(hash('city', 'en'), hash('city', 'de'));
    assert.notEqual(hash('city', 'en'), hash('firstName', 'en'));
    assert.notEqual(hash('phone', 'en'), hash('phone', 'de'));
    assert.equal(hash('postcode', 'en'), hash('postcode', 'de'));
  });
});
