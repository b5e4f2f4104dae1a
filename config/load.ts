import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, toConfig } from './config.ts';
import { ConfigDocument } from './document.ts';
import { ConfigError } from './error.ts';
import { problem } from './field.ts';
import type { References } from './interpolate.ts';
import { findingsOf } from './issues.ts';
import { schema } from './schema.ts';

/** For a field that forgot its message: zod's own may quote the value. */
const WITHOUT_VALUE = problem('cannot stand here', 'compare with config/example.yaml');

/**
 * Reads a configuration file: YAML, then references, then the schema, in this order, so that no secret is ever parsed as
 * YAML. A relative `${file:…}` starts from the folder of the file. Throws a ConfigError with everything that is wrong.
 */
export function loadConfig(file: string, env: References['env'] = process.env): Config {
  const readFile = (path: string) => readFileSync(resolve(dirname(file), path), 'utf8');
  return parseConfig(readConfig(file), file, { env, readFile });
}

/** The same for a text that is at hand; `file` is only for the messages. */
export function parseConfig(text: string, file: string, references: References): Config {
  const document = new ConfigDocument(text, file, references);
  const result = schema.safeParse(document.value, { error: () => WITHOUT_VALUE });
  const findings = [...document.findings, ...(result.success ? [] : findingsOf(result.error, document))];
  if (!result.success || findings.length > 0) {
    throw new ConfigError(findings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  }
  return toConfig(result.data);
}

function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`;
    const fix = 'name another with -c FILE; config/example.yaml shows what stands in one';
    throw new ConfigError([{ code: 'config_invalid', object: 'configuration', message, fix, file, line: null }]);
  }
}
