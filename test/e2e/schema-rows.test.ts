import { testRows } from '../support/schema/row-tests.ts';
import { COLUMNS } from './schema-rows/columns.ts';
import { KEYS } from './schema-rows/keys.ts';
import { VALUES } from './schema-rows/values.ts';

// contract.md's table of decisions and schema changes, and scenarios S: what is done to columns, values and keys, and what comes of it.
testRows([...COLUMNS, ...VALUES, ...KEYS]);
