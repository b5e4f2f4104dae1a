import { z } from 'zod';

// The vocabulary of schema.ts. zod's own messages may quote what they were given, and that may be a secret: so every
// field here brings its own message, of two lines: what is wrong, and what to write instead.

/** The two lines of a message; `issues.ts` takes them apart again. */
export function problem(wrong: string, fix: string): string {
  return `${wrong}\n${fix}`;
}

/** The issue about something planned, for `addIssue`. */
export function notBuiltIssue(what: string) {
  return {
    code: 'custom',
    message: problem(`${what}: not built yet`, 'take it out for now'),
    params: { notBuilt: true },
  } as const;
}

/** A mapping with exactly these keys. A planned key is refused by its name. */
export function fields<S extends z.ZodRawShape>(shape: S, planned: readonly string[] = []) {
  const keys = `keys here: ${Object.keys(shape).join(', ')}`;
  const refused = Object.fromEntries(planned.map((key) => [key, notBuilt(z.unknown(), key).optional()]));
  return z.strictObject({ ...shape, ...refused } as S, {
    error: ({ code }) => problem(code === 'unrecognized_keys' ? 'unknown key' : 'is not a mapping', keys),
  });
}

/** Refuses whatever fits the schema, by its name; editors learn it from the `not`. */
export function notBuilt<T extends z.ZodType>(schema: T, name: string, path: string[] = []): T {
  // A copy each time: zod grows the path of an issue in place.
  const refuse = (_: unknown, context: z.RefinementCtx) =>
    context.addIssue({ ...notBuiltIssue(name), path: [...path] });
  return schema.superRefine(refuse).meta({ not: {} });
}

/** One of our own words. A planned word is refused by its name. */
export function word<const W extends string>(
  words: readonly W[],
  planned: readonly string[] = [],
  message = problem('is not a word that can stand here', `words here: ${words.join(', ')}`),
) {
  return z
    .string({ error: message })
    .transform((text, context) => {
      const found = words.find((candidate) => candidate === text);
      if (found !== undefined) return found;
      context.addIssue(planned.includes(text) ? notBuiltIssue(text) : { code: 'custom', message });
      return z.NEVER;
    })
    .meta({ enum: [...words] });
}

/** A text that `parse` understands; it gives undefined for any other. */
export function parsed<T>(message: string, parse: (text: string) => T | undefined) {
  return z.string({ error: message }).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** A text of a certain form. */
export function text(message: string, fits: (text: string) => boolean) {
  return z.string({ error: message }).refine(fits, { error: message });
}

/** A whole number; out of an environment variable it comes as a text of digits. */
export function whole(min: number, max: number) {
  const error = problem('is not a number that can stand here', `write a whole number from ${min} to ${max}`);
  const fromText = (value: unknown) =>
    typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  return z.preprocess(fromText, z.int({ error }).min(min, { error }).max(max, { error }));
}

/** true or false; out of an environment variable it comes as a text. */
export function flag() {
  const fromText = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value);
  return z.preprocess(fromText, z.boolean({ error: problem('is neither true nor false', 'write true or false') }));
}

/** A mapping whose keys are the user's: a Map, as an object would lose a column called `__proto__`. */
export function named<K extends z.ZodType<string, string>, V extends z.ZodType>(name: K, value: V, fix: string) {
  const toMap = (input: unknown) => (isMapping(input) ? new Map(Object.entries(input)) : input);
  return z.preprocess(toMap, z.map(name, value, { error: problem('is not a mapping', fix) }));
}

/** The options of a rule; `{rule: x}` is short for `{rule: {key: x}}`. */
export function short<S extends z.ZodRawShape>(key: keyof S & string, options: z.ZodObject<S, z.core.$strict>) {
  const single = (options.shape[key] as unknown as z.ZodType).transform((value): unknown => ({ [key]: value }));
  const error = problem('is not what this rule takes', `write a value for ${key}, or a mapping of options`);
  return z.union([options, single.pipe(options as z.ZodType<z.output<typeof options>>)], { error });
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
