// npm run -s bench -- NAME --json: ours against a reference, side by side on this machine.
import { parseArgs } from 'node:util';
import { apply } from './apply.ts';
import type { Bench } from './bench.ts';
import { beside } from './beside.ts';
import { copy } from './copy.ts';
import { fanout } from './fanout.ts';
import { type Comparison, type Figures, medians, rounded } from './figures.ts';
import { kafka } from './kafka.ts';
import { lake } from './lake.ts';
import { latency } from './latency.ts';
import { outages } from './outage.ts';
import { recopy } from './recopy.ts';

/** A bench knows what its own place is. */
// biome-ignore lint/suspicious/noExplicitAny: nobody else uses it
type AnyBench = Bench<any>;
const SINGLE: Readonly<Record<string, AnyBench>> = { apply, copy, latency, recopy, beside, lake, kafka, fanout };
const BENCHES: Readonly<Record<string, AnyBench>> = { ...SINGLE, ...outages };

const USAGE = `npm run -s bench -- NAME [--json] [--runs N] [--scale F]
  NAME       apply    a backlog of 500,000 inserts and 100,000 one-row transactions: changes a second
             copy     a table of 500,000 rows: rows a second
             latency  500 transactions a second for 20 seconds: from the commit to the eyes of a reader, p50 and p99
             recopy   the same table, copied anew beside the stream: rows a second, against its first copy
             beside   a table of 5,000,000 rows copied anew while another one gets 2,000 rows a second: what these notice of it
             lake     500,000 redacted rows into committed files of a lake: rows a second
             kafka    300,000 changes, redacted, into committed messages: messages a second
             fanout   that backlog of apply into a twin, a lake and topics, against a twin alone: changes a second
             outage-kafka, outage-lake, outage-twin
                      that one away for ten minutes (--scale 0.1: one) under 1,000 changes a second: what the two others notice of it
  --json     the result as one line of JSON
  --runs N   medians of so many runs, 5 by default (kafka: 9, an outage: 1); fewer are for a quick look
  --scale F  a workload F times as large, 1 by default`;

const RUNS = 5;

interface Asked {
  readonly name: string;
  readonly json: boolean;
  readonly runs: number;
  readonly scale: number;
}

/** One line of what a bench found. */
interface Result {
  readonly name: string;
  /** ours / reference; null where there is more than one figure. */
  readonly ratio: number | null;
  readonly ours: number | Figures;
  readonly reference: number | Figures;
  readonly unit: string;
  readonly runs: number;
  /** Everything else that was measured. */
  readonly detail: Comparison;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const asked = readCommandLine();
  if (typeof asked === 'number') return asked;
  try {
    const result = await measure(asked);
    process.stdout.write(`${asked.json ? JSON.stringify(result) : inWords(result)}\n`);
    return 0;
  } catch (error) {
    say(`the bench failed: ${(error as Error).message}`);
    return 1;
  }
}

async function measure({ name, runs, scale }: Asked): Promise<Result> {
  const bench = BENCHES[name]!;
  say(bench.place.inWords);
  say(`reference: ${bench.reference}`);
  await using place = await bench.place.start();
  await bench.prepare(place, scale);
  const comparisons: Comparison[] = [];
  for (let run = 1; run <= runs; run++) {
    const comparison = await bench.measure(place, scale, run);
    say(`run ${run} of ${runs}: ${JSON.stringify(comparison)}`);
    comparisons.push(comparison);
  }
  return summary(name, comparisons);
}

function summary(name: string, comparisons: readonly Comparison[]): Result {
  const { headline, unit } = BENCHES[name]!;
  const detail = {
    ours: medians(comparisons.map(({ ours }) => ours)),
    reference: medians(comparisons.map(({ reference }) => reference)),
  };
  const [ours, reference] = [headline(detail.ours), headline(detail.reference)];
  const ratio = typeof ours === 'number' && typeof reference === 'number' ? rounded(ours / reference, 3) : null;
  return { name, ratio, ours, reference, unit, runs: comparisons.length, detail };
}

function inWords({ name, ratio, ours, reference, unit, runs }: Result): string {
  const side = (figures: number | Figures) => `${JSON.stringify(figures)} ${unit}`;
  const compared = ratio === null ? '' : `, ratio ${ratio}`;
  return `${name}: ours ${side(ours)}, reference ${side(reference)}${compared} (medians of ${runs} runs)`;
}

/** What is asked for, or the exit code where there is nothing to do. */
function readCommandLine(): Asked | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        runs: { type: 'string' },
        scale: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const [name, ...others] = positionals;
    const isKnown = name !== undefined && Object.hasOwn(BENCHES, name) && others.length === 0;
    if (!isKnown) throw new Error('not a bench');
    const [runs, scale] = [Number(values.runs ?? BENCHES[name]!.runs ?? RUNS), Number(values.scale)];
    if (Number.isInteger(runs) && runs > 0 && Number.isFinite(scale) && scale > 0) {
      return { name, json: values.json, runs, scale };
    }
  } catch {
    // an unknown bench or option: told below
  }
  say(USAGE);
  return 2;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
