import { person, type Row } from '../../support/row.ts';

/** Columns: contract.md's table of decisions, S-01 to S-05. */
export const COLUMNS: readonly Row[] = [
  {
    name: 'a column added without a decision is there and NULL',
    ddl: ['ALTER TABLE person ADD more text'],
    ends: { as: 'recopied', warns: 'undecided_column' },
  },
  {
    name: 'a column dropped leaves the twin as well',
    ddl: ['ALTER TABLE person DROP note'],
    ends: { as: 'recopied', warns: 'column_gone' },
  },
  {
    name: 'two columns that swap names halt the table',
    ddl: [
      'ALTER TABLE person RENAME ssn TO x; ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME x TO note',
    ],
    ends: {
      as: 'halted',
      code: 'names_moved',
      fix: {
        sql: [
          'ALTER TABLE person RENAME ssn TO x; ALTER TABLE person RENAME note TO ssn; ALTER TABLE person RENAME x TO note',
        ],
      },
    },
  },
  {
    name: 'VACUUM FULL is no change',
    ddl: ['VACUUM FULL person'],
    outside: true,
    ends: { as: 'unchanged' },
  },
  {
    name: 'a column added under a decision of its own',
    ddl: ['ALTER TABLE person ADD more text DEFAULT $$more$$'],
    configured: { person: { columns: { ...person.columns, more: 'keep' } } },
    ends: { as: 'recopied' },
  },
];
