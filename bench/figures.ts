/** What was measured, by name; null where it could not be. */
export interface Figures {
  readonly [name: string]: number | null | Figures;
}

export interface Comparison {
  readonly ours: Figures;
  readonly reference: Figures;
}

export type Side = keyof Comparison;

/** Lets both sides have their turn in run `run`. Who is first changes from run to run: the second may find warmer caches. */
export async function inTurns(run: number, turn: (side: Side) => Promise<Figures>): Promise<Comparison> {
  if (run % 2 === 1) {
    const ours = await turn('ours');
    return { ours, reference: await turn('reference') };
  }
  const reference = await turn('reference');
  return { ours: await turn('ours'), reference };
}

/** Figure by figure; every run has the same ones. */
export function medians(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0]!);
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]!))]));
}

/** Null as soon as one of the runs could not measure it. */
function median(values: readonly Figures[string][]): Figures[string] {
  if (values.includes(null)) return null;
  return typeof values[0] === 'number' ? percentile(values as number[], 0.5) : medians(values as Figures[]);
}

/** The value below which this share of all lies; between two of them, in proportion. */
export function percentile(values: Iterable<number>, share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

export function perSecond(count: number, ms: number): number {
  return rounded((count / ms) * 1000, 0);
}

export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
