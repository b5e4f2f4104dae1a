import type { FakeKind } from './decisions.ts';

/** What a fake of each kind looks like. Dictionaries are the product's own business, forms are not. */
const FORMS: Readonly<Record<FakeKind, RegExp>> = {
  email: /^[^\s@]+@example\.(com|org|net)$/,
  phone: /^(?=(?:\D*\d){6})[-+0-9().x ]+$/,
  postcode: /^(?=.*\d)[A-Z0-9 -]{3,10}$/i,
  firstName: /^\p{L}[\p{L}\p{M}.' -]*$/u,
  lastName: /^\p{L}[\p{L}\p{M}.' -]*$/u,
  name: /^\p{L}[\p{L}\p{M}.,' -]*$/u,
  street: /\p{L}/u,
  city: /\p{L}/u,
  company: /\p{L}/u,
};

/** Taken from lists of ordinary words, so that now and then one is its own pseudonym. Counted, and bounded at the end. */
const FROM_LISTS: ReadonlySet<FakeKind> = new Set(['firstName', 'lastName', 'city']);

/**
 * Fakes are checked by property (docs/configuration.md, "fake"): one pseudonym per class and value wherever it was met, of the right form, not the raw
 * value; `unique` ones never shared, and different from the plain one only by a suffix. One book serves all tables of a comparison.
 */
export class Fakes {
  readonly #pseudonyms = new Map<string, Map<string, string>>();
  readonly #owners = new Map<string, string>();
  #met = 0;
  #own = 0;

  /** What is wrong with this pseudonym, in words without values; null if nothing is. */
  problem(kind: FakeKind, unique: boolean, value: string, pseudonym: string): string | null {
    if (!FORMS[kind].test(pseudonym)) return `not of the form of a fake ${kind}`;
    const book = this.#book(unique ? `unique ${kind}` : kind);
    const known = book.get(value);
    if (known !== undefined) return known === pseudonym ? null : `a second pseudonym for one ${kind}`;
    book.set(value, pseudonym);
    return this.#rawProblem(kind, value, pseudonym) ?? (unique ? this.#uniqueProblem(kind, value, pseudonym) : null);
  }

  /** What only all values together can show; null if nothing is wrong. */
  overallProblem(): string | null {
    return this.#own > 1 + this.#met * 0.02 ? `${this.#own} of ${this.#met} fakes are the raw value itself` : null;
  }

  #rawProblem(kind: FakeKind, value: string, pseudonym: string): string | null {
    this.#met++;
    if (pseudonym !== value) return null;
    this.#own++;
    return FROM_LISTS.has(kind) ? null : `a fake ${kind} is the raw value`;
  }

  #uniqueProblem(kind: FakeKind, value: string, pseudonym: string): string | null {
    if (this.#owners.has(pseudonym)) return `two values share one unique ${kind}`;
    this.#owners.set(pseudonym, value);
    const plain = this.#book(kind).get(value);
    if (plain === undefined) return null;
    const [local = '', domain] = plain.split('@');
    const differsBySuffix = pseudonym.startsWith(local) && pseudonym.endsWith(`@${domain}`);
    return differsBySuffix ? null : 'unique and plain pseudonym differ by more than a suffix';
  }

  #book(name: string): Map<string, string> {
    const book = this.#pseudonyms.get(name) ?? new Map<string, string>();
    this.#pseudonyms.set(name, book);
    return book;
  }
}
