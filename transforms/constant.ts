import type { ConstantOptions } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { literal } from './literal.ts';

/** The same value for every row. */
export const constant: Transform<ConstantOptions> = {
  name: 'constant',
  version: 1,
  injective: () => false,
  misfit: ({ type }, { value }) => {
    if (literal(type, value) !== null) return null;
    return `the \`constant\` is not known to be a value of type ${type.name}: write one as Postgres does, or decide \`'null'\``;
  },
  compile: ({ type }, { value }) => {
    const written = literal(type, value);
    return () => written;
  },
};
