import { testRows } from '../support/schema/row-tests.ts';
import { NAMED } from './schema-rows/names.ts';
import { PARTITIONS } from './schema-rows/partitions.ts';
import { PUBLICATIONS } from './schema-rows/publications.ts';
import { TABLES } from './schema-rows/tables.ts';
import { TREES } from './schema-rows/trees.ts';

// The same for tables as a whole, their partitions and their publication.
testRows([...TABLES, ...PARTITIONS, ...TREES, ...NAMED, ...PUBLICATIONS]);
