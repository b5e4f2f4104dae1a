import { testRows } from '../support/row-tests.ts';
import { COLUMNS } from './schema-rows/columns.ts';
import { KEYS } from './schema-rows/keys.ts';
import { NAMED } from './schema-rows/names.ts';
import { PARTITIONS } from './schema-rows/partitions.ts';
import { PUBLICATIONS } from './schema-rows/publications.ts';
import { TABLES } from './schema-rows/tables.ts';
import { TREES } from './schema-rows/trees.ts';
import { VALUES } from './schema-rows/values.ts';

// Every row of contract.md's table of decisions and schema changes, and of scenarios S and T: what is done to a table, and what comes of it.
testRows([...COLUMNS, ...VALUES, ...KEYS, ...TABLES, ...PARTITIONS, ...TREES, ...NAMED, ...PUBLICATIONS]);
