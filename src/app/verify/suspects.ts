/** What one look showed of a key: hashes, null where there is no row. */
export interface Sighting {
  readonly source: string | null;
  readonly sink: string | null;
  /** Of the row in the sink. */
  readonly version: string | null;
}

export type Verdict = 'missing' | 'extra' | 'different';

/**
 * So many looks in a row have to show the same. A row of the sink that is the same version at each of them was not written meanwhile, while the sink
 * went past all that the source showed at the looks between: it differs. Two of them would do, but for a transaction that
 * the sink was sent a moment before the source shows it to others.
 */
const LOOKS = 3;

/** A key whose rows were not equal when they were compared first: the sink may only have been further on than the source's snapshot. */
export class Suspect {
  #last: Sighting;
  #same = 1;
  #cleared = false;

  constructor(first: Sighting) {
    this.#last = first;
  }

  /** Both sides were seen equal: nothing is wrong. */
  get isCleared(): boolean {
    return this.#cleared;
  }

  /** Null as long as it may be the traffic. */
  get verdict(): Verdict | null {
    if (this.#cleared || this.#same < LOOKS) return null;
    if (this.#last.sink === null) return 'missing';
    return this.#last.source === null ? 'extra' : 'different';
  }

  /** Looks are told in their order, and at each the source was read first. */
  see(now: Sighting): void {
    const before = this.#last;
    const isSame = now.source === before.source && now.sink === before.sink && now.version === before.version;
    this.#same = isSame ? this.#same + 1 : 1;
    // What the sink held before the source was read is the source's as well as what it holds after.
    if (now.source === now.sink || now.source === before.sink) this.#cleared = true;
    this.#last = now;
  }
}
