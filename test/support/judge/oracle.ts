import { createHash } from 'node:crypto';
import type { FakeKind, TableDecisions, Tables } from './decisions.ts';
import { ruleOf } from './decisions.ts';
import { Fakes } from './fakes.ts';
import { quoteName, Reader, type ReadTable, readTable, type TextRow } from './reader.ts';
import { canonicalNumber, expectation } from './rules.ts';

/** Where the twin of one table is not redact(source). Rows are named by a hash of their key, never by a value. */
export interface Difference {
  readonly table: string;
  readonly what: string;
  readonly rows: number;
  readonly examples: readonly string[];
}

export interface Comparison {
  readonly source: string;
  readonly twin: string;
  readonly tables: Tables;
  /** The redaction key's bytes. */
  readonly key: Buffer;
  /** `sinks.X.source_primary_key`. */
  readonly keyColumn?: string;
}

/**
 * An independent check of the whole promise: reads both databases (URLs), redacts the source's rows by docs/configuration.md alone and
 * compares row by row. Shares no code with the product. Both must be quiet. No differences: an empty array.
 */
export async function differences(comparison: Comparison): Promise<Difference[]> {
  await using source = await Reader.open(comparison.source);
  await using twin = await Reader.open(comparison.twin);
  const fakes = new Fakes();
  const found: Difference[] = [];
  for (const [name, decisions] of Object.entries(comparison.tables)) {
    found.push(...(await compareTable({ ...comparison, name, decisions, fakes }, source, twin)));
  }
  const overall = fakes.overallProblem();
  if (overall) found.push({ table: '*', what: overall, rows: 0, examples: [] });
  return found;
}

interface TableComparison {
  readonly name: string;
  readonly decisions: TableDecisions;
  readonly fakes: Fakes;
  readonly key: Buffer;
  readonly keyColumn?: string;
}

async function compareTable(about: TableComparison, source: Reader, twin: Reader): Promise<Difference[]> {
  const tally = new Tally(about.name);
  const from = await readTable(source, about.name);
  const to = await readTable(twin, about.name);
  if (!from) throw new Error(`the source has no table ${about.name}`);
  if (!to) return [{ table: about.name, what: 'no such table in the twin', rows: 0, examples: [] }];

  const cells = cellsOf(about, from);
  const keyColumn = about.keyColumn ?? 'source_primary_key';
  const wanted = [keyColumn, ...cells.map((cell) => cell.name)];
  const there = to.columns.map((column) => column.name);
  if ([...wanted].sort().join('\n') !== [...there].sort().join('\n')) {
    return [{ table: about.name, what: 'other columns than expected', rows: 0, examples: [] }];
  }

  const twins = new Map<string, TextRow>();
  const foldsKey = to.columns.find((column) => column.name === keyColumn)!.type.startsWith('numeric');
  const fold = (key: string) => (foldsKey ? canonicalNumber(key) : key);
  for (const row of await twin.rows(`select ${wanted.map(quoteName).join(', ')} from ${about.name}`)) {
    const key = fold(row[0] ?? '');
    if (twins.has(key)) tally.add('a key twice', key);
    twins.set(key, row);
  }

  const keyOf = keyTexts(about, from, cells);
  const only = from.partitioned ? '' : 'only ';
  const columns = cells.map((cell) => quoteName(cell.name)).join(', ');
  for (const row of await source.rows(`select ${columns} from ${only}${about.name}`)) {
    const key = fold(keyOf(row));
    const twinRow = twins.get(key);
    twins.delete(key);
    if (!twinRow) tally.add('missing', key);
    else for (const [at, cell] of cells.entries()) tally.add(cell.problem(row[at]!, twinRow[at + 1]!), key);
  }
  for (const key of twins.keys()) tally.add('extra', key);
  return tally.differences();
}

interface Cell {
  readonly name: string;
  /** The redacted text where the rule is exact; undefined for a fake. */
  readonly redact: ((value: string | null) => string | null) | undefined;
  /** What is wrong with the twin's value for this value of the source; null if nothing is. */
  problem(value: string | null, twin: string | null): string | null;
}

/** What each column of the twin must hold. A column without a decision is there and NULL; a dropped one is not there. */
function cellsOf({ decisions, fakes, key }: TableComparison, from: ReadTable): Cell[] {
  const cells: Cell[] = [];
  for (const { name, type, padded } of from.columns) {
    const rule = ruleOf(Object.hasOwn(decisions.columns, name) ? decisions.columns[name]! : 'null');
    if (rule.name === 'drop') continue;
    const cell =
      rule.name === 'fake' ? fakeCell(name, rule.options, fakes) : exactCell(name, type, expectation(rule, key));
    cells.push(padded && rule.name !== 'keep' ? withoutPadding(cell) : cell);
  }
  return cells;
}

/** A rule sees a value of char(n) without its padding; the twin's column may fill it up again. */
function withoutPadding({ name, redact, problem }: Cell): Cell {
  const short = (value: string | null) => value?.replace(/ +$/, '') ?? null;
  return {
    name,
    redact: redact && ((value) => redact(short(value))),
    problem: (value, twin) => problem(short(value), short(twin)),
  };
}

function exactCell(name: string, type: string, redact: (value: string | null) => string | null): Cell {
  const isNumber = /^(numeric|real|double)/.test(type);
  const same = (one: string | null, other: string | null) =>
    one === other || (isNumber && one !== null && other !== null && canonicalNumber(one) === canonicalNumber(other));
  return {
    name,
    redact,
    problem(value, twin) {
      const expected = redact(value);
      // A kept number arrives with the very text it had; only a computed one may be spelled in another way.
      const right = expected === value ? expected === twin : same(expected, twin);
      return right ? null : `different in ${name}`;
    },
  };
}

function fakeCell(name: string, options: Readonly<Record<string, unknown>>, fakes: Fakes): Cell {
  return {
    name,
    redact: undefined,
    problem(value, twin) {
      if (value === null || twin === null) return value === twin ? null : `different in ${name}`;
      const problem = fakes.problem(options.kind as FakeKind, options.unique === true, value, twin);
      return problem && `${name}: ${problem}`;
    },
  };
}

/** `source_primary_key` as the contract has it: the redacted text of the one key column, or the JSON array of several. */
function keyTexts(
  { name, decisions }: TableComparison,
  from: ReadTable,
  cells: readonly Cell[],
): (row: TextRow) => string {
  const places = (decisions.key ?? from.primaryKey).map((column) => cells.findIndex((cell) => cell.name === column));
  if (places.length === 0) throw new Error(`${name} has no key to compare by`);
  const text = (row: TextRow, place: number) => {
    const redact = cells[place]?.redact;
    if (!redact) throw new Error(`the key of ${name} is dropped or faked: the oracle cannot compute it`);
    return redact(row[place]!) ?? '';
  };
  return (row) => {
    const texts = places.map((place) => text(row, place));
    return texts.length === 1 ? texts[0]! : JSON.stringify(texts);
  };
}

/** Counts rows by what is wrong with them. */
class Tally {
  readonly #table: string;
  readonly #keys = new Map<string, string[]>();

  constructor(table: string) {
    this.#table = table;
  }

  add(what: string | null, key: string): void {
    if (what === null) return;
    const keys = this.#keys.get(what) ?? [];
    this.#keys.set(what, keys);
    keys.push(key);
  }

  differences(): Difference[] {
    return [...this.#keys].map(([what, keys]) => ({
      table: this.#table,
      what,
      rows: keys.length,
      examples: keys.slice(0, 3).map((key) => createHash('sha256').update(key).digest('hex').slice(0, 12)),
    }));
  }
}
