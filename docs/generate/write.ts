import { readFileSync, writeFileSync } from 'node:fs';
import { configurationPage } from './configuration.ts';
import { errorsPage } from './errors.ts';

writeFileSync('docs/errors.md', errorsPage());
writeFileSync('docs/configuration.md', configurationPage(readFileSync('docs/configuration.md', 'utf8')));
