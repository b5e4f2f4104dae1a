import { PERSON, person, type Row } from '../../support/schema/row.ts';

const SWAP =
  'ALTER TABLE person RENAME ssn TO x; ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME x TO note';

const columns = person.columns;

/** What a column is called, and what is decided about it: docs/configuration.md, "When a table changes". */
export const COLUMNS: readonly Row[] = [
  {
    name: 'a column added without a decision is there and NULL',
    ddl: [`ALTER TABLE person ADD more text, ADD "default" integer DEFAULT 7`],
    ends: { as: 'recopied', warns: 'undecided_column', says: /column more is new/ },
  },
  {
    name: 'a column added with a volatile default, and then decided on, has its values',
    ddl: ['ALTER TABLE person ADD more double precision DEFAULT random()'],
    configured: { person: { columns: { ...columns, more: 'keep' } } },
    ends: { as: 'recopied' },
  },
  {
    name: 'a column added with a constant default, and then ruled, is redacted from its first row on',
    ddl: [`ALTER TABLE person ADD more text DEFAULT 'the same for all'`],
    configured: { person: { columns: { ...columns, more: 'hash' } } },
    ends: { as: 'recopied' },
  },
  {
    name: 'a column without a decision halts its table where the configuration says so, until somebody decides',
    ddl: ['ALTER TABLE person ADD more text'],
    first: ['ALTER TABLE person REPLICA IDENTITY FULL'],
    ends: {
      as: 'halted',
      code: 'undecided_column',
      fix: { tables: { person: { columns: { ...columns, more: 'keep' } } } },
    },
    pipeline: 'unlisted.columns: halt',
  },
  {
    name: 'a column without a decision halts its table where the configuration says so, until it is gone',
    ddl: ['ALTER TABLE person ADD more text'],
    first: ['ALTER TABLE person REPLICA IDENTITY FULL'],
    ends: { as: 'halted', code: 'undecided_column', fix: { sql: ['ALTER TABLE person DROP more'] } },
    pipeline: 'unlisted.columns: halt',
  },
  {
    name: 'a kept column dropped disappears from the twin, and a warning says so',
    ddl: ['ALTER TABLE person DROP note'],
    ends: { as: 'recopied', warns: 'column_gone', says: /column note is gone/ },
  },
  {
    name: 'a ruled column dropped disappears from the twin',
    ddl: ['ALTER TABLE person DROP ssn'],
    ends: { as: 'recopied', warns: 'column_gone' },
  },
  {
    name: 'a column that nobody decided on, dropped, disappears from the twin',
    setup: `${PERSON}; ALTER TABLE person ADD undecided text DEFAULT 'x'`,
    ddl: ['ALTER TABLE person DROP undecided'],
    ends: { as: 'recopied' },
  },
  {
    name: 'a column dropped and added again, by name and type the same, has what it has then',
    ddl: ['ALTER TABLE person DROP note; ALTER TABLE person ADD note text'],
    ends: { as: 'recopied' },
  },
  {
    name: 'a ruled column dropped and, later, added again keeps its decision',
    ddl: ['ALTER TABLE person DROP ssn', `ALTER TABLE person ADD ssn text DEFAULT 'new'`],
    ends: { as: 'recopied' },
  },
  {
    name: 'a ruled column renamed takes its decision along',
    ddl: ['ALTER TABLE person RENAME ssn TO tax_number'],
    ends: {
      as: 'recopied',
      equals: { person: { columns: { id: 'keep', tax_number: 'hash', note: 'keep' } } },
      warns: 'column_renamed',
    },
  },
  {
    name: 'a ruled column renamed, and a new one under its name, are both ruled',
    ddl: [`ALTER TABLE person RENAME ssn TO old; ALTER TABLE person ADD ssn text DEFAULT 'new'`],
    ends: { as: 'recopied', equals: { person: { columns: { ...columns, old: 'hash' } } }, warns: 'column_renamed' },
  },
  {
    name: 'a ruled column renamed twice still has its decision',
    ddl: ['ALTER TABLE person RENAME ssn TO one', 'ALTER TABLE person RENAME one TO two'],
    ends: { as: 'recopied', equals: { person: { columns: { id: 'keep', two: 'hash', note: 'keep' } } } },
  },
  {
    name: 'a column renamed and renamed back is no change',
    ddl: ['ALTER TABLE person RENAME note TO x; ALTER TABLE person RENAME x TO note'],
    ends: { as: 'unchanged' },
  },
  {
    name: 'a key column renamed takes its decision along',
    ddl: ['ALTER TABLE person RENAME id TO number'],
    dml: () => [
      `UPDATE person SET ssn = ssn || '.' WHERE id < 50`,
      `UPDATE person SET ssn = ssn || '.' WHERE number < 50`,
    ],
    ends: {
      as: 'recopied',
      equals: { person: { columns: { number: 'keep', ssn: 'hash', note: 'keep' } } },
      warns: 'column_renamed',
    },
  },
  {
    name: 'two columns that swap names halt the table, until they swap back',
    ddl: [SWAP],
    ends: { as: 'halted', code: 'names_moved', fix: { sql: [SWAP] } },
  },
  {
    name: 'two columns that swap names step by step halt the table, until the configuration follows',
    ddl: SWAP.split('; '),
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: { tables: { person: { columns: { id: 'keep', ssn: 'keep', note: 'hash' } } } },
    },
  },
  {
    name: 'a column dropped, and a ruled one renamed into its place, halts the table although RELATION says what it said',
    ddl: ['ALTER TABLE person DROP note; ALTER TABLE person RENAME ssn TO note; ALTER TABLE person ADD ssn text'],
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: { sql: ['ALTER TABLE person DROP note; ALTER TABLE person ADD note text'] },
    },
  },
  {
    name: 'a column dropped, and a ruled one renamed to its name later, halts the table',
    ddl: ['ALTER TABLE person DROP note', 'ALTER TABLE person RENAME ssn TO note'],
    ends: { as: 'halted', code: 'names_moved', fix: { sql: ['ALTER TABLE person RENAME note TO ssn'] } },
  },
  {
    name: 'a kept column renamed away, and a ruled one renamed to its name, halts the table',
    ddl: ['ALTER TABLE person RENAME note TO remark; ALTER TABLE person RENAME ssn TO note'],
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: { sql: ['ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME remark TO note'] },
    },
  },
  {
    name: 'a column dropped, and a generated one of ruled values made ordinary under its name, halts the table',
    setup: `${PERSON}; ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED`,
    ddl: [
      'ALTER TABLE person DROP note; ALTER TABLE person ALTER up DROP EXPRESSION; ALTER TABLE person RENAME up TO note',
    ],
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: { sql: ['ALTER TABLE person RENAME note TO up; ALTER TABLE person ADD note text'] },
    },
  },
  {
    name: 'a column dropped, and a generated one of ruled values made ordinary under its name step by step, halts the table',
    setup: `${PERSON}; ALTER TABLE person ADD up text GENERATED ALWAYS AS (upper(ssn)) STORED`,
    ddl: [
      'ALTER TABLE person DROP note',
      'ALTER TABLE person ALTER up DROP EXPRESSION',
      'ALTER TABLE person RENAME up TO note',
    ],
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: { sql: ['ALTER TABLE person DROP note; ALTER TABLE person ADD note text'] },
    },
  },
  {
    name: 'a changed rule rewrites what was there before',
    ddl: [],
    configured: { person: { columns: { ...columns, ssn: { hash: { length: 40 } } } } },
    ends: { as: 'recopied', says: /its rules changed/ },
  },
  {
    name: 'a column that is decided to be dropped leaves the twin',
    ddl: [],
    configured: { person: { columns: { ...columns, note: 'drop' } } },
    ends: { as: 'recopied' },
  },
  {
    name: 'a rule for what the definition became, and the definition, at once',
    ddl: ['ALTER TABLE person DROP note; ALTER TABLE person ADD remark text DEFAULT $$x$$'],
    configured: { person: { columns: { ...columns, remark: { mask: { first: 1 } } } } },
    ends: { as: 'recopied', warns: 'column_gone' },
  },
];
