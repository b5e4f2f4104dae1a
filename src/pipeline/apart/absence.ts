import { RELAPSE_MS } from '../patience.ts';
import type { Leaving } from '../roster.ts';
import { type AbsenceOptions, AbsentSink } from './absent-sink.ts';
import { readAlone } from './alone.ts';
import { returnsSoon } from './away.ts';

/** The sinks that are not with the others, each from the moment that it left them until it reads with them again. */
export class Absences {
  readonly #options: AbsenceOptions;
  readonly #running = new Map<string, { readonly sink: AbsentSink; readonly over: Promise<void> }>();

  /** When each was back last, as performance.now() has it. */
  readonly #returned = new Map<string, number>();

  constructor(options: AbsenceOptions) {
    this.#options = options;
  }

  get(sink: string): AbsentSink | null {
    return this.#running.get(sink)?.sink ?? null;
  }

  /** By their names. */
  get all(): readonly AbsentSink[] {
    return [...this.#running.values()].map(({ sink }) => sink);
  }

  /** Until it is back, or `signal` aborts. `failed` is told of what is a mistake of ours. */
  begin(name: string, leaving: Leaving, signal: AbortSignal, failed: (error: unknown) => void): void {
    const sink = new AbsentSink(name, this.#options);
    const isRelapse = performance.now() - (this.#returned.get(name) ?? -RELAPSE_MS) < RELAPSE_MS;
    const over = run(sink, leaving, isRelapse, signal)
      .then(() => void this.#returned.set(name, performance.now()))
      .catch(failed)
      .finally(() => {
        if (this.get(name) === sink) this.#running.delete(name); // it may have left again
      });
    this.#running.set(name, { sink, over });
  }

  /** Resolves when none is going on any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ over }) => over));
  }
}

async function run(sink: AbsentSink, leaving: Leaving, isRelapse: boolean, signal: AbortSignal): Promise<void> {
  const { others, patience, desk } = sink.options;
  try {
    if (leaving.state === 'detached') sink.detach();
    const returns = leaving.state === 'away' && (await returnsSoon(sink, leaving.error, isRelapse, signal));
    if (!returns) await readAlone(sink, signal);
    if (!signal.aborted) others.rejoin(sink.name);
    patience.calm(sink.name);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    desk.forget(sink.desk);
  }
}
