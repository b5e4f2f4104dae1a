import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertNoSighting, canary, canaryOf, scanBytes, scanPath } from './canary.ts';

const planted = canary('ssn');
const { value } = planted;
const core = /[A-Za-z0-9]{16}/.exec(value)![0];
const email = canaryOf('email', 'Jürgen.Größe+x@example.test');

/** What a leak looks like when software encodes a value among others. */
const encodings: Record<string, (text: string) => string | Buffer> = {
  raw: (text) => text,
  hex: (text) => Buffer.from(text).toString('hex'),
  'upper-case hex': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'base64 at its beginning': (text) => Buffer.from(`${text} and more`).toString('base64'),
  'base64 one byte in': (text) => Buffer.from(`a${text} and more`).toString('base64'),
  'base64 two bytes in': (text) => Buffer.from(`ab${text} and more`).toString('base64'),
  'base64url one byte in': (text) => Buffer.from(`a${text} and more`).toString('base64url'),
  'UTF-16LE': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16BE at an odd offset': (text) => Buffer.concat([Buffer.of(0), Buffer.from(text, 'utf16le').swap16()]),
  JSON: (text) => JSON.stringify({ row: [text] }),
  'JSON in ASCII': (text) => JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify({ text })),
  'a URL': (text) => `https://example.test/?q=${encodeURIComponent(text)}`,
  'a URL in lower case': (text) => encodeURIComponent(text).replace(/%../g, (byte) => byte.toLowerCase()),
  'a form': (text) => new URLSearchParams({ text }).toString(),
  'COPY text': (text) => text.replaceAll('\\', '\\\\'),
  'lower case': (text) => text.toLowerCase(),
  'upper case': (text) => text.toUpperCase(),
  'hex of upper case': (text) => Buffer.from(text.toUpperCase()).toString('hex'),
  'base64 of lower case': (text) => Buffer.from(`ab${text.toLowerCase()} and more`).toString('base64'),
};

const noise = Buffer.from('x'.repeat(1_001));

for (const [name, encode] of Object.entries(encodings)) {
  test(`a value is found as ${name}`, () => {
    for (const text of name === 'JSON in JSON' || name === 'COPY text' ? [value] : [value, email.value]) {
      const bytes = Buffer.concat([noise, Buffer.from(encode(text) as string), noise]);
      const sightings = scanBytes(bytes, [planted, email], 'here');
      assert.ok(sightings.length > 0);
      const expected = text === value ? 'ssn' : 'email';
      assert.ok(sightings.every(({ canary, where }) => canary === expected && where === 'here'));
    }
  });
}

test('the random core is found alone: a part that leaks is a leak', () => {
  const [sighting] = scanBytes(`hash of ${core}!`, [planted], 'here');
  assert.deepEqual(sighting, { canary: 'ssn', form: 'raw', where: 'here', offset: 8 });
});

test('what was not planted is not found', () => {
  const others = ['redacted', canary('other').value, core.slice(1), 'Zoë ""', email.value.slice(1)];
  assert.deepEqual(scanBytes(others.join('\n'), [planted, email], 'here'), []);
});

test('the report names canary, form and place, and never the value', () => {
  const sightings = scanBytes(value, [planted], 'the log');
  assert.throws(
    () => assertNoSighting(sightings),
    (error: Error) => {
      assert.match(error.message, /ssn as raw in the log, byte 0/);
      assert.ok(!error.message.includes(core));
      return true;
    },
  );
  assertNoSighting([]);
});

test('a value that chance could bring about is refused', () => {
  assert.throws(() => canaryOf('zip', '80331'), /"zip" is so short/);
});

describe('in a directory', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'canary-'));
    await mkdir(join(directory, 'deep/er'), { recursive: true });
    await writeFile(join(directory, 'clean'), noise);
    await writeFile(join(directory, 'empty'), '');
  });
  after(() => rm(directory, { recursive: true }));

  test('a clean tree has none', async () => {
    assert.deepEqual(await scanPath(directory, [planted, email]), []);
  });

  test('a file deep below and a single file are searched', async () => {
    const file = join(directory, 'deep/er/leak');
    await writeFile(file, `${noise}${value}`);
    for (const path of [directory, file]) {
      assert.deepEqual(
        (await scanPath(path, [planted, email])).filter(({ form }) => form === 'raw'),
        [{ canary: 'ssn', form: 'raw', where: file, offset: noise.length }],
      );
    }
    await rm(file);
  });

  test('a value across the border of two readings of a large file is found', async () => {
    const file = join(directory, 'large');
    const border = 4 << 20;
    for (const before of [1, value.length - 1, value.length * 2, value.length * 3]) {
      await writeFile(file, Buffer.concat([Buffer.alloc(border - before), Buffer.from(value, 'utf16le')]));
      const [sighting] = await scanPath(file, [planted]);
      assert.equal(sighting?.form, 'UTF-16LE');
    }
    await rm(file);
  });

  test('the name of a file is searched', async () => {
    await writeFile(join(directory, core), '');
    const [sighting] = await scanPath(directory, [planted]);
    assert.equal(sighting?.where, 'the name of a file');
    await rm(join(directory, core));
  });

  test('a path that is not there is an error, not a clean tree', async () => {
    await assert.rejects(scanPath(join(directory, 'nowhere'), [planted]), { code: 'ENOENT' });
  });
});
