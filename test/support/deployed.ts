/** What the image, and the unit in docs/08-operations.md, put into the environment of the process: what tests measure is what runs. */
export const DEPLOYED: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
};
