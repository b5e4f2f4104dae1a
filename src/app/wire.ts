import type { Assemble } from './assembly.ts';

export const assemble: Assemble = () => {
  throw new Error('not wired');
};
