import type { TruncateOptions } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { firstCharacters } from './characters.ts';
import { textMisfit } from './text-type.ts';

/** The first `length` characters. */
export const truncate: Transform<TruncateOptions> = {
  name: 'truncate',
  version: 1,
  injective: () => false,
  misfit: (column) => textMisfit('truncate', column.type),
  compile: (_column, { length }) => {
    return (value) => firstCharacters(value, length);
  },
};
