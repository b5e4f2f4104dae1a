import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assembly, Check, Place } from '../../../src/app/assembly.ts';
import { execute } from '../../../src/app/execute.ts';
import type { Output } from '../../../src/app/show/screen.ts';
import type { Checkpoint } from '../../../src/core/checkpoint.ts';
import type { PgveilError } from '../../../src/core/errors.ts';
import type { Observe, SlotSeen } from '../../../src/core/observer.ts';
import { MemorySink, PassingRedactor, ScriptedSource } from '../pipeline/parts.ts';

/** What a secret or a value of a row looks like in these tests: none of it may ever come out. */
export const CANARY = 'cANaRy0123456789';

/** Keeps what is written. */
export class Paper implements Output {
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;
  text = '';
  readonly #resized = new Set<() => void>();
  #written = Promise.withResolvers<void>();

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string) {
    this.text += text;
    this.#written.resolve();
    this.#written = Promise.withResolvers<void>();
    return true;
  }

  on(_: 'resize', listener: () => void) {
    this.#resized.add(listener);
  }

  off(_: 'resize', listener: () => void) {
    this.#resized.delete(listener);
  }

  resize(columns: number, rows: number) {
    Object.assign(this, { columns, rows });
    for (const listener of this.#resized) listener();
  }

  /** Resolves once this was written. */
  async shows(text: string): Promise<void> {
    while (!this.text.includes(text)) await this.#written.promise;
  }
}

interface FakeOptions {
  readonly checks?: readonly Check[];
  readonly source?: ScriptedSource;
  readonly sink?: MemorySink;
  readonly checkpoint?: Checkpoint | undefined;
  /** What sinks answer that are asked what is durable, where there is more to say than `checkpoint`. */
  readonly stored?: ReadonlyMap<string, Checkpoint | PgveilError | null>;
  /** What the source says to everybody who asks for slots. */
  readonly sourceFails?: PgveilError;
  readonly slot?: SlotSeen;
  readonly unusedSlots?: readonly SlotSeen[];
  readonly places?: readonly Place[];
  /** Called when the pipeline is about to start. */
  readonly starting?: (observe: Observe) => void;
}

/** Parts without a database. */
export function fakeAssembly(options: FakeOptions = {}): Assembly {
  const source = options.source ?? new ScriptedSource(() => []);
  const sinks = new Map([['twin', options.sink ?? new MemorySink()]]);
  const asked = async <T>(answer: T): Promise<T> => {
    if (options.sourceFails) throw options.sourceFails;
    return answer;
  };
  return {
    checks: options.checks ?? [],
    parts(observe) {
      options.starting?.(observe);
      return { source, sinks, redactor: new PassingRedactor(), memory: 1_000_000 };
    },
    caretakers: new Map(),
    hasRun: async () => (options.checkpoint?.position ?? null) !== null,
    checkpoints: async () => options.stored ?? new Map([['twin', options.checkpoint ?? null]]),
    slot: () => asked(options.slot ?? null),
    ownSlots: () => asked(new Map()),
    unusedSlots: () => asked(options.unusedSlots ?? []),
    sides: {
      sinks: new Map(),
      source: () => ({ look: async () => 'there is no source', close: async () => {} }),
      isFed: async () => false,
    },
    places: () => options.places ?? [],
  };
}

/** A configuration with one table whose every secret is a canary. `port` 0 listens anywhere. */
export function configText(port = 0, columns = 'id: keep'): string {
  return `
version: 1
name: shop
key: ${Buffer.from(CANARY.repeat(3)).toString('base64')}
source: { url: 'postgres://app:${CANARY}@127.0.0.1:1/shop' }
tables: { public.a: { columns: { ${columns} } } }
sinks: { twin: { type: postgres, url: 'postgres://twin:${CANARY}@127.0.0.1:1/twin' } }
http: { listen: '127.0.0.1:${port}' }
`;
}

/** Runs one command in this process, with a configuration in a file of its own. */
export async function pgveil(
  args: readonly string[],
  options: FakeOptions & { config?: string } = {},
  out = new Paper(),
) {
  const folder = mkdtempSync(join(tmpdir(), 'pgveil-'));
  const file = join(folder, 'pgveil.yaml');
  const config = options.config ?? configText();
  // The default socket would be that of other test files' processes, which have the same name.
  writeFileSync(file, /^control:/m.test(config) ? config : `${config}control: ${join(folder, 'control.sock')}\n`);
  const err = new Paper();
  try {
    const [command, ...rest] = args;
    const exitCode = await execute([command!, '-c', file, ...rest], async () => fakeAssembly(options), out, err);
    return { exitCode, out: out.text, err: err.text.replaceAll(file, 'FILE') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
