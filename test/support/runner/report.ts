// What `npm test` prints.
import { inspect, stripVTControlCharacters } from 'node:util';
import { projectRoot } from '../project.ts';
import type { FileResult } from './run-file.ts';

const shownSlowest = 5;
const shownOutput = 60;

/** One line for a file that is done, and one for each test that failed, with what it says first: a log may be cut before its end. */
export function fileLines({ file, duration, passed, failed, skipped }: FileResult): string {
  const verdict = failed.length > 0 ? 'FAIL' : 'ok';
  const counts = [`${passed.length} passed`];
  if (failed.length > 0) counts.push(`${failed.length} failed`);
  if (skipped.length > 0) counts.push(`${skipped.length} SKIPPED`);
  const line = `${verdict.padEnd(4)} ${seconds(duration)}  ${shorten(file)}  ${counts.join(', ')}`;
  return [line, ...failed.map((test) => indent(`${test.name}: ${messageOf(test.error)}`))].join('\n');
}

/** All that is to be said at the end. `skipsFail` as on CI, where a test that stands aside proves nothing. */
export function summary(results: FileResult[], skipsFail: boolean): { text: string; success: boolean } {
  const passed = results.flatMap((result) => result.passed);
  const skipped = results.flatMap((result) => result.skipped);
  const failures = results.flatMap((result) => result.failed).length + (skipsFail ? skipped.length : 0);
  const total = `${passed.length} passed, ${failures} failed`;
  const blocks = [
    slowest(passed),
    ...results.filter(({ failed }) => failed.length > 0).map(failuresOf),
    skips(skipped, skipsFail),
    skipped.length > 0 && !skipsFail ? `${total}, ${skipped.length} skipped` : total,
  ];
  return { text: blocks.filter(Boolean).join('\n\n'), success: failures === 0 };
}

function slowest(passed: FileResult['passed']): string {
  const tests = passed.toSorted((a, b) => b.duration - a.duration).slice(0, shownSlowest);
  const lines = tests.map(({ name, at, duration }) => `  ${seconds(duration)}  ${name}  (${shorten(at)})`);
  return lines.length > 0 ? ['slowest', ...lines].join('\n') : '';
}

function failuresOf({ file, failed, output }: FileResult): string {
  const blocks = failed.map(({ name, at, error }) => {
    const text = describeError(error);
    return `FAIL ${failingLine(text, file) ?? shorten(at)}  ${name}\n${indent(shorten(text))}`;
  });
  const said = stripVTControlCharacters(output).trimEnd().split('\n');
  const left = said.length - shownOutput;
  if (output.trim()) {
    const heading = `${shorten(file)} wrote${left > 0 ? ` (${left} lines before these left out)` : ''}`;
    blocks.push(`${heading}\n${indent(said.slice(-shownOutput).join('\n'))}`);
  }
  return blocks.join('\n\n');
}

function skips(skipped: FileResult['skipped'], skipsFail: boolean): string {
  if (skipped.length === 0) return '';
  const lines = skipped.map(({ name, at, reason }) => `  ${shorten(at)}  ${name}\n    ${reason}`);
  const heading = `SKIPPED: ${skipped.length} tests did not run${skipsFail ? ', which is a failure on CI' : ''}`;
  return [heading, ...lines].join('\n');
}

function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: string };
  return stripVTControlCharacters(message ?? String(error))
    .split('\n')
    .filter(Boolean)
    .slice(0, 3)
    .join(' ');
}

/** With its stack, less the frames of Node's own; an assertion's message says all of its properties already. */
function describeError(error: unknown): string {
  if (typeof error === 'string') return error;
  const { code, stack } = (error ?? {}) as { code?: string; stack?: string };
  const text = code === 'ERR_ASSERTION' && stack ? stack : inspect(error);
  const lines = stripVTControlCharacters(text).split('\n');
  return lines.filter((line) => !/^\s+at .*\(?node:/.test(line)).join('\n');
}

/** The line of the test file that failed: nearer to the trouble than the line where the test begins. */
function failingLine(text: string, file: string): string | null {
  const at = text.indexOf(`${file}:`);
  return at === -1 ? null : shorten(/^[^:]+:\d+/.exec(text.slice(at))![0]);
}

function shorten(text: string): string {
  return text.replaceAll('file://', '').replaceAll(`${projectRoot}/`, '');
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1).padStart(6)} s`;
}
