/** Decisions as users write them in `tables.X.columns` (docs/configuration.md, "Decisions"). Tests and the oracle share this form and nothing else. */
export type Decision =
  | 'keep'
  | 'drop'
  | 'null'
  | 'hash'
  | 'mask'
  | { readonly hash: { readonly length?: number; readonly class?: string; readonly nulls?: boolean } }
  | { readonly mask: { readonly first?: number; readonly last?: number; readonly with?: string } }
  | { readonly constant: string | { readonly value: string; readonly nulls?: boolean } }
  | { readonly truncate: number | { readonly length: number } }
  | { readonly round: number | { readonly digits: number } }
  | { readonly fake: FakeKind | { readonly kind: FakeKind; readonly unique?: boolean } };

export type FakeKind =
  | 'firstName'
  | 'lastName'
  | 'name'
  | 'email'
  | 'phone'
  | 'street'
  | 'city'
  | 'postcode'
  | 'company';

export interface TableDecisions {
  readonly key?: readonly string[];
  readonly columns: Readonly<Record<string, Decision>>;
}

/** By table name: `public.customer`, `public."Order Items"`. */
export type Tables = Readonly<Record<string, TableDecisions>>;

/** One rule and its options, whichever of the short forms it was written in. */
export function ruleOf(decision: Decision): {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
} {
  if (typeof decision === 'string') return { name: decision, options: {} };
  const [[name, written]] = Object.entries(decision) as [[string, unknown]];
  if (typeof written === 'object') return { name, options: written as Record<string, unknown> };
  return { name, options: { [SHORT_FOR[name]!]: written } };
}

/** Which option a bare value stands for: `{ fake: email }` is `{ fake: { kind: email } }`. */
const SHORT_FOR: Readonly<Record<string, string>> = {
  fake: 'kind',
  constant: 'value',
  truncate: 'length',
  round: 'digits',
};
