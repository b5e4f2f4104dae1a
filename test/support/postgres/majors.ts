// Which Postgres majors a test runs on. Most tests run on the newest; a core (copy, stream, types, TOAST, partitions,
// kill -9) runs on all. PGVEIL_TEST_MAJORS=14,15 (`npm test -- --majors 14,15`) runs everything on exactly those.
import { describe } from 'node:test';

export const allMajors = [14, 15, 16, 17, 18] as const;
export type Major = (typeof allMajors)[number];
export const newestMajor: Major = 18;

export interface MajorsOptions {
  /** Runs on every major by default, not on the newest alone. */
  core?: boolean;
  /** The first major that has what the test is about; on older ones there is nothing to test. */
  since?: Major;
}

/** Reads `14,15`. Throws on anything that is not a list of majors we know: a typo must not test nothing. */
export function parseMajors(text: string): Major[] {
  return text.split(',').map((part) => {
    const major = allMajors.find((known) => String(known) === part.trim());
    if (major === undefined) {
      throw new Error(`"${part}" is not a Postgres major that pgveil supports: ${allMajors.join(', ')}`);
    }
    return major;
  });
}

/** The majors that a test with these options runs on, in this process. */
export function chosenMajors({ core = false, since = 14 }: MajorsOptions = {}): Major[] {
  const asked = process.env.PGVEIL_TEST_MAJORS;
  const majors = asked ? parseMajors(asked) : core ? [...allMajors] : [newestMajor];
  return majors.filter((major) => major >= since);
}

/** Declares one suite per major, named `NAME on Postgres MAJOR`. `body` registers hooks and tests, as in `describe`. */
export function forMajors(name: string, options: MajorsOptions, body: (major: Major) => void): void {
  const majors = chosenMajors(options);
  if (majors.length === 0) describe(`${name}: nothing to test before Postgres ${options.since}`, () => {});
  for (const major of majors) {
    describe(`${name} on Postgres ${major}`, () => body(major));
  }
}
