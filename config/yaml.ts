import { type Document, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from './error.ts';

export interface YamlFile {
  readonly document: Document;
  /** The line on which a node begins, from 1; undefined when it is not in the file, such as the value of `key:`. */
  lineOf(node: unknown): number | undefined;
}

/** Parses a file, or throws a ConfigError about its first error: after that the parser guesses, and finds ten that are none. */
export function parseYaml(text: string, file: string): YamlFile {
  const counter = new LineCounter();
  // prettyErrors would quote the file. uniqueKeys would name no path. In the core schema `no` is a word, not false.
  const options = { prettyErrors: false, uniqueKeys: false, schema: 'core' } as const;
  const document = parseDocument(text, { ...options, lineCounter: counter });
  // Of the warnings only this one: whoever writes `!secret x` does not mean the text x.
  const error = document.errors[0] ?? document.warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED');
  if (error) throw syntaxError(error.code, file, counter.linePos(error.pos[0]).line);
  return {
    document,
    lineOf: (node) => {
      const start = (node as { range?: readonly number[] } | null)?.range?.[0];
      return start === undefined ? undefined : counter.linePos(start).line;
    },
  };
}

/** The parser's own message quotes the file, secrets included: only its code is passed on. */
function syntaxError(code: string, file: string, line: number): ConfigError {
  const message = `is not YAML that pgveil reads (${code})`;
  const fix = 'look at indentation, quotes and colons here and above; a text with : # { or & in it needs quotes';
  return new ConfigError([{ code: 'config_invalid', object: 'configuration', message, fix, file, line }]);
}
