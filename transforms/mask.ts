import type { MaskOptions } from '../config/rules.ts';
import type { Transform } from '../src/core/transform.ts';
import { countCharacters, firstCharacters, lastCharacters } from './characters.ts';
import { textMisfit } from './text-type.ts';

/** The first and the last so many characters stay, each other one is covered; a value without any other is covered whole. */
export const mask: Transform<MaskOptions> = {
  name: 'mask',
  version: 1,
  injective: () => false,
  misfit: (column) => textMisfit('mask', column.type),
  compile: (_column, { first, last, with: cover }) => {
    const covers = Array.from({ length: 64 }, (_, count) => cover.repeat(count));
    const covered = (count: number) => covers[count] ?? cover.repeat(count);
    return (value) => {
      const characters = countCharacters(value);
      const hidden = characters - first - last;
      if (hidden <= 0) return covered(characters);
      return firstCharacters(value, first) + covered(hidden) + lastCharacters(value, last);
    };
  },
};
