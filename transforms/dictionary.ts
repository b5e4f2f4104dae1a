import { hash } from 'node:crypto';
import { LOCALES } from './locales.ts';
import { phoneNumbers } from './phone-numbers.ts';

/** Fewer mailbox names than this would give everybody the same address: locales without a Latin alphabet take the English ones. */
const ENOUGH_MAILBOXES = 20;

/** What fakes of one locale are made of: the package's words, each once and in its order, and phone numbers of our own. */
export interface Dictionary {
  readonly firstNames: readonly string[];
  readonly lastNames: readonly string[];
  /** Lower-case ASCII of names, short enough for an address to fit varchar(50). */
  readonly firstMailboxes: readonly string[];
  readonly lastMailboxes: readonly string[];
  readonly streets: readonly string[];
  /** `12 High Street`, as against `Hauptstraße 12`. */
  readonly numberFirst: boolean;
  readonly cities: readonly string[];
  readonly legalForms: readonly string[];
  /** With a # for each digit that is free. */
  readonly phoneNumbers: readonly string[];
}

const loaded = new Map<string, Dictionary | null>();

/** Loads a locale when a rule first asks for it; null if there is none of that name. */
export function dictionary(locale: string): Dictionary | null {
  if (!loaded.has(locale)) loaded.set(locale, load(locale));
  return loaded.get(locale)!;
}

/** Hash of these lists: changes when an update of the package changes a word. */
export function dictionaryHash(words: Dictionary, lists: readonly (keyof Dictionary)[]): string {
  return hash('sha256', JSON.stringify(lists.map((list) => words[list])));
}

function load(locale: string): Dictionary | null {
  if (!Object.hasOwn(LOCALES, locale)) return null;
  const { person, location, company } = LOCALES[locale]!().faker.rawDefinitions;
  const firstNames = words(person?.first_name);
  const lastNames = words(person?.last_name);
  return {
    firstNames,
    lastNames,
    firstMailboxes: mailboxes(firstNames, 9) ?? dictionary('en')!.firstMailboxes,
    lastMailboxes: mailboxes(lastNames, 10) ?? dictionary('en')!.lastMailboxes,
    streets: words(location?.street_name),
    numberFirst: location?.street_address?.normal?.startsWith('{{location.buildingNumber}}') ?? true,
    cities: words(location?.city_name),
    legalForms: words(company?.legal_entity_type),
    phoneNumbers: phoneNumbers(locale),
  };
}

/** A list, or lists by sex: each word once. */
function words(definition: unknown): string[] {
  const lists = Object.values((definition ?? {}) as object).flat();
  return [...new Set(lists.filter((word): word is string => typeof word === 'string'))];
}

function mailboxes(names: readonly string[], longest: number): readonly string[] | null {
  const ascii = names.map((name) => name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase());
  const short = ascii.filter((name) => /^[a-z]{2,}$/.test(name) && name.length <= longest);
  return short.length >= ENOUGH_MAILBOXES ? [...new Set(short)] : null;
}
