/** A small seeded generator (xoshiro128**): the same seed gives the same run on every machine. Not for secrets. */
export class Random {
  readonly seed: number;
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.seed = seed;
    // splitmix32 spreads even neighbouring seeds over the whole state.
    let mix = seed >>> 0;
    this.#state = new Uint32Array(4).map(() => {
      mix = (mix + 0x9e3779b9) >>> 0;
      const a = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
      const b = Math.imul(a ^ (a >>> 15), 0x735a2d97);
      return b ^ (b >>> 15);
    });
  }

  /** 32 random bits as a number from 0 to 2^32 - 1. */
  bits(): number {
    const s = this.#state;
    const product = Math.imul(s[1]!, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.bits() / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** As `int`, but small numbers as often as large ones (log-uniform): sizes of transactions, lengths of texts. */
  size(least: number, most: number): number {
    return Math.min(most, Math.floor(least * (most / least + 1 / least) ** this.fraction()));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to pick from');
    return from[this.int(0, from.length - 1)]!;
  }

  /** Picks by weight: `{ insert: 3, delete: 1 }` gives `insert` three times out of four. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [choice, weight] of entries) {
      left -= weight;
      if (left < 0) return choice;
    }
    return entries.at(-1)![0];
  }

  /** Lower-case hexadecimal digits; incompressible, so that a long one is really stored out of line. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.bits().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }
}
