import type { Rule, RuleName } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { constant } from './constant.ts';
import { fake } from './fake.ts';
import { hash } from './hash.ts';
import { mask } from './mask.ts';
import { round } from './round.ts';
import { truncate } from './truncate.ts';

type OptionsOf<R extends RuleName> = Extract<Rule, { name: R }>['options'];

/** Every rule there is. */
const TRANSFORMS: { readonly [R in RuleName]: Transform<OptionsOf<R>> } = {
  constant,
  mask,
  hash,
  truncate,
  round,
  fake,
};

/** The transform of a rule, to be called with that rule's options. */
export function transformOf(rule: Rule): Transform<Rule['options']> {
  // That the options are this transform's own is what the type of Rule says; TypeScript does not follow it through the look-up.
  return TRANSFORMS[rule.name] as Transform<Rule['options']>;
}
