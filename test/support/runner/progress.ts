import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a long run has finished, in a file, so that it can be stopped and taken up again. */
export class Progress {
  readonly #file: string;
  readonly #state: string;
  readonly #finished: Set<string>;

  /** `state` names what the steps were run on; what was finished on another state does not count. */
  constructor(file: string, state: string) {
    this.#file = file;
    this.#state = state;
    const saved = read(file);
    this.#finished = new Set(saved?.state === state ? saved.finished : []);
  }

  has(step: string): boolean {
    return this.#finished.has(step);
  }

  /** On disk when it returns: a step is never half recorded, whatever ends the process. */
  add(step: string): void {
    this.#finished.add(step);
    mkdirSync(dirname(this.#file), { recursive: true });
    const saved = JSON.stringify({ state: this.#state, finished: [...this.#finished] }, null, 2);
    writeFileSync(`${this.#file}.new`, saved);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function read(file: string): { state: string; finished: string[] } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
