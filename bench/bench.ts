import type { Comparison, Figures } from './figures.ts';
import type { Place } from './place.ts';
import type { Servers } from './servers.ts';

/** One thing measured against a reference, many times in the same place: on two servers, where it says nothing else. */
export interface Bench<P extends AsyncDisposable = Servers> {
  readonly unit: string;
  /** What the reference is, in words. */
  readonly reference: string;
  readonly place: Place<P>;
  /** How many runs there are unless somebody asks for more or less; 5 by default. */
  readonly runs?: number;
  /** Makes what all runs share. `scale` 1 is the size that figures are told of, here and below. */
  prepare(place: P, scale: number): Promise<void>;
  /** Run number `run`, from 1: both sides in turn. */
  measure(place: P, scale: number, run: number): Promise<Comparison>;
  /** What is told first of a side: one figure of which more is better, or several. */
  headline(figures: Figures): number | Figures;
}
