import { hash } from 'node:crypto';

/** Of a key, in 32-bit words: so many keys that two of them had one hash are in no topic. */
const WORDS = 4;
const [EMPTY, THERE, GONE] = [0, 1, 2];
const LEAST_SLOTS = 1024;
/** With 17 bytes each, 36 MB. */
export const MOST_SLOTS = 2 ** 21;

/** The key as it is remembered. */
export function keyHash(key: Buffer): Uint32Array {
  const digest = hash('sha256', key, 'buffer');
  return Uint32Array.from({ length: WORDS }, (_, word) => digest.readUInt32BE(4 * word));
}

/** Which keys are there and which are gone, by their hashes, in memory of a fixed size. */
export class KeyStates {
  readonly #states: Uint8Array;
  readonly #hashes: Uint32Array;
  readonly #most: number;
  #count = 0;
  #gone = 0;

  /** `slots`: a power of two. */
  constructor(slots: number) {
    this.#states = new Uint8Array(slots);
    this.#hashes = new Uint32Array(WORDS * slots);
    this.#most = slots * 0.75; // fuller than that, a search takes long
  }

  /** For so many keys, or for as many of them as may be in memory. */
  static for(keys: number): KeyStates {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(keys, 1) * 2));
    return new KeyStates(Math.min(Math.max(slots, LEAST_SLOTS), MOST_SLOTS));
  }

  /** How many keys are gone. */
  get gone(): number {
    return this.#gone;
  }

  /** False where there is no room for another key. */
  set(key: Uint32Array, isGone: boolean): boolean {
    const slot = this.#slotOf(key);
    if (this.#states[slot] === EMPTY) {
      if (this.#count >= this.#most) return false;
      this.#count++;
      this.#hashes.set(key, slot * WORDS);
    }
    if (this.#states[slot] === GONE) this.#gone--;
    if (isGone) this.#gone++;
    this.#states[slot] = isGone ? GONE : THERE;
    return true;
  }

  isGone(key: Uint32Array): boolean {
    return this.#states[this.#slotOf(key)] === GONE;
  }

  /** The one that it is in, or would be. */
  #slotOf(key: Uint32Array): number {
    const last = this.#states.length - 1;
    let slot = key[0]! & last;
    while (this.#states[slot] !== EMPTY && !this.#isAt(slot, key)) slot = (slot + 1) & last;
    return slot;
  }

  #isAt(slot: number, key: Uint32Array): boolean {
    for (let word = 0; word < WORDS; word++) if (this.#hashes[slot * WORDS + word] !== key[word]) return false;
    return true;
  }
}
