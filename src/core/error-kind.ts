/** Who can do something about an error: time, a person, or only a changed program or configuration. */
type Retry = 'soon' | 'person' | 'never';

/** What a failure stops, and how the pipeline goes on. */
type Recovery =
  /** Drop everything, reopen, resume from what is durable, with back-off. */
  | 'reopen'
  /** Forget the position, make a new slot and copy every table anew. */
  | 'copy everything'
  /** Copy the one table anew, while the others stream. */
  | 'copy table'
  /** Halt the one table, reopen, and go on with the others. */
  | 'halt table'
  /** Nothing stops yet; a person should act before something does. */
  | 'go on'
  /** End the pipeline: a person has to act. */
  | 'stop';

export interface Kind {
  readonly retry: Retry;
  readonly recovery: Recovery;
  /** Exit code of a command that ends with it: 1 may work later, 2 configuration, 3 a person has to act. */
  readonly exit: 1 | 2 | 3;
  /** For docs/errors.md: what it means, in one sentence, and what to do. */
  readonly means: string;
  readonly fix: string;
}

/** Nothing goes on before a person acts. */
export const person = { retry: 'person', recovery: 'stop', exit: 3 } as const;
/** It goes on, and a person should act. */
export const told = { retry: 'person', recovery: 'go on', exit: 3 } as const;
/** It goes on, and a person should know. */
export const warned = { retry: 'never', recovery: 'go on', exit: 1 } as const;
/** It may be back by itself. */
export const away = { retry: 'soon', recovery: 'reopen', exit: 1 } as const;

/** Whether nothing comes of waiting alone. It may be tried again all the same: that is how it is noticed that somebody mended it. */
export function needsPerson({ retry, recovery }: Pick<Kind, 'retry' | 'recovery'>): boolean {
  return retry === 'person' && recovery === 'stop';
}
