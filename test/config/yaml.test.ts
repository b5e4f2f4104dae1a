import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANARY, configuration, findingsIn, parse } from '../support/configuration.ts';

const broken: [text: string, line: number][] = [
  [`name: shop\nkey: "${CANARY}\n`, 3],
  [`name: shop\nkey: ${CANARY}: ${CANARY}`, 2],
  [`name: shop\n\tkey: ${CANARY}`, 2],
  [`name: shop\nkey: [${CANARY}`, 2],
  [`name: shop\nkey: @${CANARY}`, 2],
  [`name: shop\nkey: "\\${CANARY}"`, 2],
  [`name: shop\n---\nkey: ${CANARY}`, 2],
  [`name: shop\nkey: !secret ${CANARY}`, 2],
];

for (const [text, line] of broken) {
  test(`${JSON.stringify(text)} is not YAML for us, which is said once and without a word of the file`, () => {
    const findings = findingsIn(text);
    assert.deepEqual(
      findings.map((finding) => [finding.message.split(' (')[0], finding.line]),
      [['is not YAML that pgveil reads', line]],
    );
  });
}

test('what YAML only frowns upon is read', () => {
  assert.equal(parse(configuration({ tables: 'tables: {\n  public.t: skip\n}' })).name, 'shop');
});
