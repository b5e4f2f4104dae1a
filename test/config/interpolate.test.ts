import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpolate } from '../../config/interpolate.ts';

const files = new Map([
  ['/run/secrets/key', 'from a file\n'],
  ['/windows', 'one\r\n\r\n'],
]);
const references = {
  env: { SET: 'value', EMPTY: '', YAML: '{ a: [b] } # c', AGAIN: '${SET}', DOLLARS: '$& $1 $$' },
  readFile(path: string): string {
    const text = files.get(path);
    if (text === undefined) throw Object.assign(new Error('hunter2 is not there'), { code: 'ENOENT' });
    return text;
  },
};

function interpolated(text: string): { text: string; problems: string[][] } {
  const problems: string[][] = [];
  return { text: interpolate(text, references, (...problem) => problems.push(problem)), problems };
}

const good: [string, string][] = [
  ['plain', 'plain'],
  ['$SET and $$ and 100% {SET}', '$SET and $$ and 100% {SET}'],
  ['${SET}', 'value'],
  ['<${SET}|${SET}>', '<value|value>'],
  ['${EMPTY}', ''],
  ['${YAML}', '{ a: [b] } # c'],
  ['${DOLLARS}', '$& $1 $$'],
  ['${AGAIN}', '${SET}'],
  ['${UNSET:-default}', 'default'],
  ['${EMPTY:-default}', 'default'],
  ['${SET:-default}', 'value'],
  ['${UNSET:-}', ''],
  ['${UNSET:-a:-b $c\nd}', 'a:-b $c\nd'],
  ['${file:/run/secrets/key}', 'from a file'],
  ['${file:/windows}', 'one\r\n'],
];

for (const [text, expected] of good) {
  test(`${JSON.stringify(text)} becomes ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(interpolated(text), { text: expected, problems: [] });
  });
}

test('every unset variable is reported by its name, and leaves nothing behind', () => {
  const { text, problems } = interpolated('${UNSET}-${constructor}-${__proto__}');
  assert.equal(text, '--');
  assert.deepEqual(
    problems.map(([message]) => message),
    ['UNSET', 'constructor', '__proto__'].map((name) => `the environment variable ${name} is not set`),
  );
});

test('a file that cannot be read is reported with the code of the system, not with the words of the error', () => {
  const { problems } = interpolated('${file:/missing}');
  assert.match(problems[0]!.join(), /\/missing.*ENOENT/);
  assert.doesNotMatch(problems[0]!.join(), /hunter2/);
});

for (const text of ['p${hunter2', '${}', '${1hunter2}', '${hunter2-x}', '${hunter2:x}', '${A:-${hunter2}}']) {
  test(`${text} is no reference, and is not quoted`, () => {
    const { problems } = interpolated(text);
    assert.ok(problems.length > 0);
    assert.doesNotMatch(problems.join(), /hunter2/);
  });
}
