// npm run demo                      a shop, a writer that keeps changing it, pgveil, and source row beside twin row
// npm run -s demo -- --once --json  the same for some seconds, an exact comparison, and one line of figures
import { parseArgs } from 'node:util';
import { live } from './live.ts';
import { type Account, once } from './once.ts';
import { Stage } from './stage.ts';
import { Stop } from './stop.ts';

const USAGE = `npm run demo [-- [--once] [--json]]
  --once   a copy and some seconds of changes, then an exact comparison; ends by itself
  --json   with --once: the result as one line of JSON on stdout
  --help   this text`;

const FLAG = { type: 'boolean' } as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  using stop = new Stop();
  try {
    return await play(options, stop);
  } catch (error) {
    if (stop.signal.aborted) return 130;
    process.stderr.write(`the demo failed: ${(error as Error).message}\n`);
    return 1;
  }
}

async function play(options: { once: boolean; json: boolean }, stop: Stop): Promise<number> {
  process.stderr.write('starting two Postgres servers and a Kafka broker, opening the shop\n');
  await using stage = await Stage.set();
  stop.signal.throwIfAborted();
  if (!options.once) {
    await live(stage, stop);
    return 0;
  }
  const account = await once(stage, stop.signal);
  process.stdout.write(`${options.json ? JSON.stringify(account) : inWords(account)}\n`);
  return account.mismatches === 0 && account.raw_values_found === 0 ? 0 : 1;
}

function inWords({ rows_copied, changes, mismatches, raw_values_found, lag_ms, sinks }: Account): string {
  return [
    `${rows_copied} rows copied, ${changes} changed meanwhile`,
    `${mismatches} rows of ${Object.keys(sinks).join(', ')} differ from redact(source), ${raw_values_found} raw values found in them`,
    `lag: p50 ${lag_ms.p50} ms, p99 ${lag_ms.p99} ms`,
  ].join('\n');
}

/** Null after saying what may be typed. */
function readOptions(): { once: boolean; json: boolean; help: boolean } | null {
  try {
    const { values } = parseArgs({ options: { once: FLAG, json: FLAG, help: { ...FLAG, short: 'h' } } });
    const { once = false, json = false, help = false } = values;
    if (help || once || !json) return { once, json, help };
  } catch {
    // told below
  }
  process.stderr.write(`${USAGE}\n`);
  return null;
}
