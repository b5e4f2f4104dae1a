import { type Checkpoint, type History, isSameDatabase } from '../../core/checkpoint.ts';
import type { Lsn } from '../../core/lsn.ts';
import { type Names, NO_OTHER_NAMES } from '../../core/redactor.ts';
import type { Sink } from '../../core/sink.ts';
import { naming } from '../naming.ts';
import type { Gathered, Roster, Running } from '../roster.ts';
import { toward, whatNext } from './alike.ts';
import type { Others } from './others.ts';

type Known = Pick<Others, 'entries' | 'history' | 'lease' | 'bindings' | 'read'>;

/** A sink by itself, which copies what it lacks to hold what the others do. */
export class OwnRoster implements Roster {
  readonly holds = new Map<string, Lsn | null>();
  readonly #name: string;
  readonly #sink: Sink;
  readonly #others: Known;
  #running: Running | null = null;

  constructor(name: string, sink: Sink, others: Known) {
    this.#name = name;
    this.#sink = sink;
    this.#others = others;
  }

  async gather(signal: AbortSignal): Promise<Gathered> {
    await this.#others.lease.held(signal);
    const own = await naming(this.#name, this.#sink.open(signal));
    this.#others.read(this.#name, own);
    const { bindings, entries } = this.#others;
    const { checkpoint, told } = toward(own, entries, bindings.durable);
    return { checkpoints: new Map([[this.#name, checkpoint]]), told, names: bindings };
  }

  begin(running: Running): void {
    this.#running = running;
  }

  bound(entries: Checkpoint['tables']): void {
    this.#others.bindings.bound(entries);
  }

  /** From when they are there on: they may come to it later. */
  namesIn(history: History): Names {
    const others = this.#others;
    return {
      areKnown: true,
      get newest() {
        const areThere = others.history !== null && isSameDatabase(others.history, history);
        return areThere ? others.entries : NO_OTHER_NAMES.newest;
      },
    };
  }

  ended(): void {}

  leave(): boolean {
    return false;
  }

  /** What it waits for, a person included, ends nothing for the others. */
  endsAll(): boolean {
    return false;
  }

  /** What to do now that it has caught up. */
  get next(): 'join' | 'copy' | 'wait' {
    return whatNext(this.#running?.entries ?? new Map(), this.#others.entries);
  }

  readonly mayEnd = () => this.next !== 'wait';
}
