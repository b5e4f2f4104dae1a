import type { Comparison, Figures } from './figures.ts';
import type { Servers } from './servers.ts';

/** One thing measured against a reference, many times on the same two servers. */
export interface Bench {
  readonly unit: string;
  /** What the reference is, in words. */
  readonly reference: string;
  /** Makes what all runs share. `scale` 1 is the size that figures are told of, here and below. */
  prepare(servers: Servers, scale: number): Promise<void>;
  /** Run number `run`, from 1: both sides in turn. */
  measure(servers: Servers, scale: number, run: number): Promise<Comparison>;
  /** What is told first of a side: one figure of which more is better, or several. */
  headline(figures: Figures): number | Figures;
}
