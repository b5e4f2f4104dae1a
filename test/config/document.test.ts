import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigDocument } from '../../config/document.ts';

const read = (text: string) => new ConfigDocument(text, 'a.yaml', { env: { X: '1' }, readFile: () => '' });
const names = (text: string) => Object.keys(read(text).value as object);

test('every name survives: prototypes, words of YAML, numbers, dots, quotes, emoji', () => {
  const text = `
__proto__: 1
constructor: 1
true: 1
null: 1
~: 1
007: 1
1.50: 1
a.b: 1
"say \\"hi\\"": 1
'😀': 1
<<: 1
`;
  const expected = ['__proto__', 'constructor', 'true', 'null', '~', '007', '1.50', 'a.b', 'say "hi"', '😀', '<<'];
  assert.deepEqual(names(text), expected);
});

test('a number that would change its text stays the text', () => {
  const text = '[7, -1.5, 007, 1.50, 0x1F, 1e3, 12345678901234567890, .inf]';
  assert.deepEqual(read(text).value, [7, -1.5, '007', '1.50', '0x1F', '1e3', '12345678901234567890', '.inf']);
});

test('yes, no, on and off are words', () => {
  assert.deepEqual(read('[yes, no, on, off]').value, ['yes', 'no', 'on', 'off']);
});

test('yes and no are words under a YAML 1.1 directive too', () => {
  assert.deepEqual(read('%YAML 1.1\n---\n[yes, no]').value, ['yes', 'no']);
});

test('references are replaced in values of every style, and what comes out stays a text', () => {
  assert.deepEqual(read(`- \${X}\n- '\${X}'\n- "<\${X}>"\n- |\n  \${X}\n`).value, ['1', '1', '<1>', '1\n']);
});

test('references in names stay as they are', () => {
  assert.deepEqual(names(`'\${X}': 1`), [`\${X}`]);
});

test('an alias stands for what it names', () => {
  const document = read('a: &a { b: keep }\nc: *a');
  assert.equal(JSON.stringify(document.value), '{"a":{"b":"keep"},"c":{"b":"keep"}}');
  assert.deepEqual(document.findings, []);
});

test('a place that is not in the file has the line of the nearest one above it', () => {
  const document = read('a:\n  b: 1\n\nc:\n  - 1\n  - d: 1');
  const lineOf = (...path: (string | number)[]) => document.finding(path, '', '').line;
  assert.deepEqual(
    [lineOf('a', 'b'), lineOf('a', 'x', 'y'), lineOf('c', 1, 'd'), lineOf('x'), lineOf()],
    [2, 1, 6, 1, 1],
  );
});
