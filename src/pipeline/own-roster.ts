import type { Checkpoint } from '../core/checkpoint.ts';
import type { Lsn } from '../core/lsn.ts';
import type { Sink } from '../core/sink.ts';
import { toward, whatNext } from './alike.ts';
import { naming } from './naming.ts';
import type { Gathered, Roster, Running } from './roster.ts';

/** A sink by itself, which copies what it lacks to hold what the others do. */
export class OwnRoster implements Roster {
  readonly holds = new Map<string, Lsn | null>();
  readonly #name: string;
  readonly #sink: Sink;
  /** What the others hold at the moment. */
  readonly #others: () => Checkpoint['tables'];
  #running: Running | null = null;

  constructor(name: string, sink: Sink, others: () => Checkpoint['tables']) {
    this.#name = name;
    this.#sink = sink;
    this.#others = others;
  }

  async gather(signal: AbortSignal): Promise<Gathered> {
    const own = await naming(this.#name, this.#sink.open(signal));
    const { checkpoint, told } = toward(own, this.#others());
    return { checkpoints: new Map([[this.#name, checkpoint]]), told };
  }

  begin(running: Running): void {
    this.#running = running;
  }

  leave(): boolean {
    return false;
  }

  /** What to do now that it has caught up. */
  get next(): 'join' | 'copy' | 'wait' {
    return whatNext(this.#running?.entries ?? new Map(), this.#others());
  }

  readonly mayEnd = () => this.next !== 'wait';
}
