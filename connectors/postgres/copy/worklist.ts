import type { Chunk } from './chunk.ts';
import type { TableCopy } from './table-copy.ts';

export interface Task {
  readonly copy: TableCopy;
  readonly chunk: Chunk;
}

/** What is left to read. A task that was taken may come back, or leave a rest behind: the work is over when none is out any more. */
export class Worklist {
  #tasks: Task[];
  #out = 0;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(tasks: readonly Task[]) {
    this.#tasks = [...tasks];
  }

  /** The next task; waits for one that may come back; null when the work is over. Call `done` after each. */
  async take(): Promise<Task | null> {
    while (this.#tasks.length === 0 && this.#out > 0) await new Promise<void>((wake) => this.#waiting.push(wake));
    const task = this.#tasks.shift() ?? null;
    if (task) this.#out++;
    return task;
  }

  /** To be read next, so that a table that was begun is finished first. */
  addFirst(task: Task): void {
    if (!this.#closed) this.#tasks.unshift(task);
    this.#wake();
  }

  /** To be read when everything else was: whoever stands in its way may be gone by then. */
  addLast(task: Task): void {
    if (!this.#closed) this.#tasks.push(task);
    this.#wake();
  }

  done(): void {
    this.#out--;
    this.#wake();
  }

  /** Nothing more of this table is read. */
  drop(copy: TableCopy): void {
    this.#tasks = this.#tasks.filter((task) => task.copy !== copy);
  }

  /** Nothing more is read at all. */
  close(): void {
    this.#closed = true;
    this.#tasks = [];
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
