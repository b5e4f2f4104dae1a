import { resolve } from 'node:path';

/** The checkout's own directory. */
export const projectRoot = resolve(import.meta.dirname, '../..');
