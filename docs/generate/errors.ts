import { ERRORS } from '../../src/core/errors.ts';
import { PASSING_ONCE_RUN } from '../../src/pipeline/passing.ts';

type Entry = (typeof ERRORS)[keyof typeof ERRORS];

/** In the order of the page: what a code leads to, and which entries that is true of. */
const SECTIONS: readonly {
  readonly title: string;
  readonly outcome: string;
  readonly holds: (entry: Entry) => boolean;
}[] = [
  {
    title: 'One table halts',
    outcome:
      'The others go on, and the old content of the table stays readable in the twin. What one sink refuses halts the table in all of them: rules and the list of tables are for all sinks. Let the rule, or that sink’s setting, fit the table; take the table out of `tables`; or give that sink a pipeline of its own (another `name`), with its own tables and rules. A sink that reads by itself goes on with the table until it is back with the others.',
    holds: ({ recovery }) => recovery === 'halt table',
  },
  {
    title: 'A person has to act',
    outcome: `With one sink, at the first start of a pipeline, or where it concerns the source or the configuration, the pipeline ends with exit code 3. Later, one of several sinks is parked instead, and the others go on. A process that has worked before retries what may pass by itself: ${listed(PASSING_ONCE_RUN)}.`,
    holds: ({ recovery, exit }) => recovery === 'stop' && exit === 3,
  },
  {
    title: 'A person is told',
    outcome: 'Nothing stops, but `check`, or the command that found it, ends with exit code 3.',
    holds: ({ retry, recovery }) => recovery === 'go on' && retry === 'person',
  },
  {
    title: 'A warning',
    outcome:
      'Nothing stops. `/status` has it among the warnings of the table it is about; where `check` lists it, it ends with exit code 0 if there is nothing else.',
    holds: ({ retry, recovery }) => recovery === 'go on' && retry === 'never',
  },
  {
    title: 'The configuration or the command line',
    outcome: 'The command ends with exit code 2, and nothing is started.',
    holds: ({ exit }) => exit === 2,
  },
  {
    title: 'Tried again',
    outcome: 'The pipeline goes on by itself, with back-off; a command that does not wait ends with exit code 1.',
    holds: ({ recovery }) => recovery === 'reopen',
  },
  {
    title: 'One table is copied again',
    outcome: 'By itself, while the others go on; its old content stays readable meanwhile.',
    holds: ({ recovery }) => recovery === 'copy table',
  },
  {
    title: 'Everything is copied again',
    outcome: 'By itself, and reported; the old content stays readable meanwhile.',
    holds: ({ recovery }) => recovery === 'copy everything',
  },
  {
    title: 'A defect',
    outcome: 'The command ends with exit code 1.',
    holds: ({ recovery, exit }) => recovery === 'stop' && exit === 1,
  },
];

/** docs/errors.md. */
export function errorsPage(): string {
  const parts = [
    '# Errors',
    'Every code that pgveil says, in logs, `/status`, `check --json` and on standard error. Codes are stable.',
    'The configuration is read at a start. Where “To do” changes it, end pgveil (SIGTERM) and start it again; only users’ passwords and tokens are read again while it runs.',
    'This page is generated from `src/core/errors.ts` by `npm run docs`.',
    ...SECTIONS.flatMap(({ title, outcome, holds }) => [`## ${title}`, outcome, ...entries(holds)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** A heading for each code, so that it can be linked to. */
function entries(holds: (entry: Entry) => boolean): string[] {
  return Object.entries(ERRORS)
    .filter(([, entry]) => holds(entry))
    .flatMap(([code, { means, fix }]) => [`### ${code}`, means, `To do: ${fix}`]);
}

function listed(codes: Iterable<string>): string {
  return Array.from(codes, (code) => `\`${code}\``).join(', ');
}
