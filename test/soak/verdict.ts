// What is found at the end of a soak, when nobody writes any more.
import type { Incarnations, Memory } from './incarnations.ts';
import { type Tally, tallyLake, tallyTopics } from './once.ts';
import type { Place } from './place.ts';
import { tables } from './shop.ts';

export interface Findings {
  /** What `verify --json` says of all three sinks. */
  readonly compared: unknown;
  readonly once: { readonly lake: Tally; readonly topics: Tally };
  /** All that should not have been; empty where all is well. */
  readonly problems: readonly string[];
}

/** `memory:` and what is resident beyond it: docs/configuration.md. */
const MEMORY_MB = 256 + 150;
/** Of the end of a process's life over its beginning. */
const FLAT = 1.15;
const VERIFY_MS = 30 * 60_000;

/** Ends the service. */
export async function judge(place: Place, service: Incarnations, say: (text: string) => void): Promise<Findings> {
  const { trial, kafka, lake } = place;
  const { code, stdout, stderr } = await trial.command(['verify', '--json'], VERIFY_MS);
  say(`verify ended with ${code}`);
  await service.end();
  const names = Object.keys(tables);
  const once = {
    lake: await tallyLake(lake, names),
    topics: await tallyTopics(kafka.brokers, trial.name, names),
  };
  const problems = [
    ...service.crashes,
    ...service.defects,
    ...(code === 0 ? [] : [`verify ended with ${code}: ${stdout}${stderr}`]),
    ...(await trial.assertEqual().then(
      () => [],
      (error) => [`the twin is not redact(source): ${error}`],
    )),
    ...Object.entries(once).flatMap(([sink, tally]) => troubleOf(sink, tally)),
    ...service.memory().flatMap(memoryTrouble),
  ];
  return { compared: code === 0 ? JSON.parse(stdout).tables : null, once, problems };
}

function troubleOf(sink: string, { missing, double }: Tally): string[] {
  return missing + double > 0 ? [`${sink}: ${missing} changes missing, ${double} double`] : [];
}

function memoryTrouble(memory: Memory | null): string[] {
  if (!memory) return [];
  const { most, growth } = memory;
  return [
    ...(most > MEMORY_MB ? [`${most} MB resident`] : []),
    ...(growth !== null && growth > FLAT ? [`resident memory grew to ${growth} times what it was`] : []),
  ];
}
