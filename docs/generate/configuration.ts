import type { RuleName } from '../../config/rules.ts';
import { outcomes, typesOf } from './rules.ts';
import { code, options, type Setting, settings } from './settings.ts';

const BLOCK = /(<!-- (keys|rule): ([\w. ]+) -->\n).*?(<!-- end -->)/gs;

/** docs/configuration.md as it is, with the tables in it made anew; the rest of the page is written by hand. */
export function configurationPage(page: string): string {
  return page.replace(BLOCK, (_, begin, kind, of, end) => {
    const tables = kind === 'keys' ? keys(of.split(' ')) : rule(of);
    return `${begin}\n${tables}\n\n${end}`;
  });
}

/** Of these keys, and of those below them. */
function keys(sections: readonly string[]): string {
  const isWanted = ({ path }: Setting) => sections.some((of) => path === of || path.startsWith(`${of}.`));
  const wanted = settings().filter(isWanted);
  return settingTable(wanted.map((setting) => ({ ...setting, path: setting.path.replace(/^sinks\.\w+/, 'sinks.X') })));
}

function rule(name: RuleName): string {
  const rows = outcomes(name).map(({ decision, type, before, after, fitsKey }) => {
    return [code(decision), type, value(before), value(after), fitsKey ? 'yes' : 'no'];
  });
  return [
    `Takes: ${typesOf(name).join(', ')}.`,
    settingTable(options(name)),
    table(['Decision', 'Column', 'In', 'Out', 'On a key'], rows),
  ].join('\n\n');
}

function settingTable(rows: readonly Setting[]): string {
  return table(
    ['Key', 'Value', 'Default', 'For'],
    rows.map(({ path, values, isRequired, default: byDefault, purpose }) => {
      const without = isRequired ? 'required' : byDefault === undefined ? '' : code(byDefault);
      return [code(path), values.join(', '), without, purpose];
    }),
  );
}

function value(text: string | null): string {
  if (text === null) return 'NULL';
  return text === '' ? 'empty' : code(text);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
