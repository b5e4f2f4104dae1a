import { z } from 'zod';
import { fields, flag, isMapping, problem, short, whole, word } from './field.ts';
import { anyText, className, localeName, oneCharacter } from './texts.ts';

// Rules and their options; docs/configuration.md has what each gives

const nulls = flag().prefault(true).describe('false: NULL is treated as an empty text, instead of staying NULL');

const fake = fields({
  kind: word(
    ['firstName', 'lastName', 'name', 'email', 'phone', 'street', 'city', 'postcode', 'company'],
    ['country', 'iban', 'card', 'ip', 'mac', 'username', 'url', 'userAgent', 'jobTitle'],
  ).describe('what kind of word it is'),
  unique: flag().prefault(false).describe('email only: a keyed suffix, which a key needs'),
  domain: word(['example.com', 'example.org', 'example.net'])
    .optional()
    .describe('email only; without it one of the three'),
  locale: localeName.prefault('en').describe('whose names and places: en, de, pt_BR, …'),
  nulls,
}).superRefine((options, context) => {
  if (options.kind === 'email') return;
  const message = problem('is for kind: email only', 'take it out');
  if (options.unique) context.addIssue({ code: 'custom', path: ['unique'], message });
  if (options.domain) context.addIssue({ code: 'custom', path: ['domain'], message });
});

const rules = {
  constant: short('value', fields({ value: anyText.describe('what every row gets, as Postgres writes it'), nulls })),
  mask: fields({
    first: whole(0, 10_000).prefault(0).describe('how many characters stay at the beginning'),
    last: whole(0, 10_000).prefault(0).describe('how many characters stay at the end'),
    with: oneCharacter.prefault('*').describe('what each other character becomes'),
    nulls,
  }),
  hash: fields({
    length: whole(1, 64).prefault(32).describe('in hexadecimal digits; a key needs 32 or more'),
    class: className.prefault('hash').describe('equal values of one class have equal hashes in all tables'),
    nulls,
  }),
  truncate: short('length', fields({ length: whole(1, 1_000_000).describe('in characters'), nulls })),
  round: short(
    'digits',
    fields({ digits: whole(-100, 100).describe('after the point, or before it if negative'), nulls }),
  ),
  fake: short('kind', fake),
};

export type RuleName = keyof typeof rules;
type Options<R extends RuleName> = Readonly<z.output<(typeof rules)[R]>>;
export type ConstantOptions = Options<'constant'>;
export type MaskOptions = Options<'mask'>;
export type HashOptions = Options<'hash'>;
export type TruncateOptions = Options<'truncate'>;
export type RoundOptions = Options<'round'>;
export type FakeOptions = Options<'fake'>;

/** One rule with its options; `rule.name` tells the type of `rule.options`. */
export type Rule = {
  [R in RuleName]: { readonly kind: 'rule'; readonly name: R; readonly options: Options<R> };
}[RuleName];
/** What is to become of a column. */
export type Decision = { readonly kind: 'keep' } | { readonly kind: 'drop' } | { readonly kind: 'null' } | Rule;

const plannedRules = [
  ...['empty', 'regex', 'token', 'fpe', 'uuid', 'integer', 'noise', 'bucket', 'clamp', 'shift', 'age', 'location'],
  ...['json', 'scrub', 'when', 'template'],
];

const notDecision = problem(
  'is not a decision',
  "write keep, drop, 'null' (in quotes) or one rule, such as hash or { fake: email }",
);

const oneWord = word(['keep', 'drop', 'null', 'hash', 'mask'], ['recompute', ...plannedRules], notDecision).transform(
  (name): Decision => {
    if (name === 'keep' || name === 'drop' || name === 'null') return { kind: name };
    return { kind: 'rule', name, options: rules[name].parse({}) } as Rule;
  },
);

const oneRule = fields(optional(rules), plannedRules)
  .superRefine(
    (given, context) => {
      if (Object.keys(given).length !== 1) context.addIssue({ code: 'custom', message: notDecision });
    },
    // Unless something in it was found before: `{hsah: {}}` is one mistake and not two.
    { when: ({ value, issues }) => isMapping(value) && (issues.length === 0 || Object.keys(value).length > 1) },
  )
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform((given): Decision => {
    const [rule] = Object.entries(given);
    // Without one, an unknown key has failed the whole already.
    return rule ? ({ kind: 'rule', name: rule[0], options: rule[1] } as Rule) : z.NEVER;
  });

export const decision = z.union([oneWord, oneRule], { error: notDecision });

/** As none of the rules has to be there, but one. */
function optional<S extends z.ZodRawShape>(shape: S): { [K in keyof S]: z.ZodOptional<S[K]> } {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, z.optional(field)])) as never;
}
