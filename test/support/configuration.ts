import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Config } from '../../config/config.ts';
import { ConfigError, type ConfigFinding } from '../../config/error.ts';
import { parseConfig } from '../../config/load.ts';

/** Stands in values where none may show up again; secrets of the environment contain it too. */
export const CANARY = 'c4n4ry';

export const environment = {
  PGVEIL_KEY: Buffer.from(`${CANARY}0123456789abcdefghijklmnopq`).toString('base64'),
  SOURCE_URL: `postgres://pgveil:${CANARY}@source/shop`,
  TWIN_URL: `postgres://pgveil:${CANARY}@twin/shop`,
  WORKERS: '7',
  CANARY,
};

const sections = {
  version: 'version: 1',
  name: 'name: shop',
  key: `key: \${PGVEIL_KEY}`,
  source: `source: { url: '\${SOURCE_URL}' }`,
  tables: 'tables: { public.t: { columns: { id: keep } } }',
  sinks: `sinks: { twin: { type: postgres, url: '\${TWIN_URL}' } }`,
  others: '',
};

/** A whole configuration that loads, with other text for some of its sections. */
export function configuration(changed: Partial<typeof sections> = {}): string {
  return Object.values({ ...sections, ...changed }).join('\n');
}

/** The same, with one column of one table and what is decided about it. */
export function withColumn(column: string): string {
  return configuration({ tables: `tables:\n  public.t:\n    columns:\n      id: keep\n      ${column}` });
}

export function parse(text: string): Config {
  const readFile = () => {
    throw Object.assign(new Error(CANARY), { code: 'ENOENT' });
  };
  return parseConfig(text, 'shop.yaml', { env: environment, readFile });
}

/** What is wrong with it. Checks besides that nothing of a value can be seen, whichever way the error is printed. */
export function findingsIn(text: string): readonly ConfigFinding[] {
  const error = caught(() => parse(text));
  assert.ok(error instanceof ConfigError, inspect(error));
  const shown = [
    error.message,
    String(error),
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: null, showHidden: true }),
  ];
  for (const printed of shown) {
    assert.doesNotMatch(printed ?? '', new RegExp(CANARY, 'i'));
    assert.doesNotMatch(printed ?? '', new RegExp(environment.PGVEIL_KEY.slice(0, 12)));
  }
  return error.findings;
}

function caught(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}
