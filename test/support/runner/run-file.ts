// Runs one test file in a process of its own, and gathers what the report needs.
import { type EventData, run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';

export interface FoundTest {
  /** With its suites' names before its own. */
  name: string;
  /** Where it is declared, `file:line`. */
  at: string;
}

export interface FileResult {
  file: string;
  /** In milliseconds, with the start of the process; so is that of a test, with its hooks. */
  duration: number;
  passed: (FoundTest & { duration: number })[];
  failed: (FoundTest & { error: unknown })[];
  skipped: (FoundTest & { reason: string })[];
  /** All that the file wrote, of both streams. */
  output: string;
}

/**
 * `timeout` in milliseconds ends the whole file. `run` has one of its own for each test, but leaves a process alive that
 * hangs outside of its tests or after them; the signal ends that, too.
 */
export async function runFile(file: string, timeout: number): Promise<FileResult> {
  const started = performance.now();
  const signal = AbortSignal.timeout(timeout);
  const reading = new Reading(file);
  for await (const event of run({ files: [file], concurrency: 1, signal })) reading.take(event);
  reading.end(signal.aborted ? timeout : null);
  return { ...reading.result, duration: performance.now() - started };
}

class Reading {
  readonly result: FileResult;
  /** Of every test that began, by its number in the file's process. */
  readonly #names = new Map<number, string>();
  readonly #running = new Map<number, FoundTest>();
  /** Its process came to the end of its tests and said so. */
  #finished = false;

  constructor(file: string) {
    this.result = { file, duration: 0, passed: [], failed: [], skipped: [], output: '' };
  }

  take({ type, data }: TestEvent): void {
    if (type === 'test:dequeue') this.#began(data);
    if (type === 'test:complete') this.#ended(data);
    if (type === 'test:pass') this.#passed(data);
    if (type === 'test:fail') this.#failed(data);
    if (type === 'test:summary' && data.file !== undefined) this.#finished = true;
    if (type === 'test:stdout' || type === 'test:stderr') this.result.output += data.message;
  }

  /** `timeout` when that ended it. What was running then is what hangs, or what called process.exit. */
  end(timeout: number | null): void {
    const { file, failed } = this.result;
    if (timeout === null && (this.#finished || failed.length > 0)) return;
    const how = timeout === null ? 'its process ended by itself' : `its process was ended after ${timeout / 1000} s`;
    const running = [...this.#running.values()].map((test) => ({ ...test, error: `${how}, in the midst of this` }));
    const why = timeout === null ? 'it holds no test' : 'an open handle, or a loop that never yields, keeps it alive';
    failed.push(...(running.length > 0 ? running : [{ name: 'the file', at: file, error: `${how}: ${why}` }]));
  }

  #began(data: EventData.TestDequeue): void {
    if (this.#isFileItself(data)) return;
    const parent = this.#names.get(data.parentId ?? 0);
    this.#names.set(data.testId, parent ? `${parent} › ${data.name}` : data.name);
    if (data.type === 'test') this.#running.set(data.testId, this.#found(data));
  }

  #ended(data: EventData.TestComplete): void {
    if (!this.#isFileItself(data)) this.#running.delete(data.testId);
  }

  #passed(data: EventData.TestPass): void {
    const { skip, todo } = data;
    const reason = skip || (todo && `to do${typeof todo === 'string' ? `: ${todo}` : ''}`);
    if (reason) {
      this.result.skipped.push({ ...this.#found(data), reason: reason === true ? 'no reason given' : reason });
    } else if (data.details.type === 'test' && !this.#isFileItself(data)) {
      this.result.passed.push({ ...this.#found(data), duration: data.details.duration_ms });
    }
  }

  #failed(data: EventData.TestFail): void {
    const error = data.details.error as EventData.Error & { failureType?: string; exitCode?: number; signal?: string };
    const isFile = this.#isFileItself(data);
    if (error.failureType === 'subtestsFailed') return; // they tell it themselves
    if (isFile && error.failureType === 'testAborted') return; // the time is over: `end` tells it
    if (!isFile || error.failureType === 'hookFailed') {
      this.result.failed.push({ ...this.#found(data), error: error.cause ?? error });
    } else {
      const how = error.signal ?? `exit ${error.exitCode}`;
      this.result.failed.push({ ...this.#found(data), error: `its process ended with ${how}; what it wrote is below` });
    }
  }

  /** `run` reports the file as a test, too, when that is all it knows: it could not be loaded, or holds no test. */
  #isFileItself({ name, nesting }: { name: string; nesting: number }): boolean {
    return nesting === 0 && name === this.result.file;
  }

  #found(data: EventData.TestPass | EventData.TestFail | EventData.TestDequeue): FoundTest {
    const name = this.#isFileItself(data) ? 'the file' : (this.#names.get(data.testId) ?? data.name);
    return { name, at: `${data.file ?? this.result.file}:${data.line ?? 1}` };
  }
}
