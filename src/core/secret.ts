import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/**
 * A value that nobody may see: the key, or a URL with a password in it. Printing, logging, `JSON.stringify` and
 * `util.inspect` show `[secret]`, so an object that holds one can be logged whole without a leak.
 */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself, for the one call that connects or computes with it. What it gives never goes into a message. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
