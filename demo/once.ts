// `--once`: the copy, some seconds of changes, a stop and a start, and then an exact account of what is in the sinks.
import { setTimeout as sleep } from 'node:timers/promises';
import { countMismatches, countRawValues } from './compare.ts';
import { during } from './during.ts';
import { Heartbeat, type Lag } from './heartbeat.ts';
import type { Stage } from './stage.ts';
import type { Writer } from './writer.ts';

const STREAMING_MS = 10_000;
const AWAY_MS = 1_000;

export interface Account {
  /** In the first copy, of all tables. */
  readonly rows_copied: number;
  /** Rows that the writer inserted, updated and deleted, from the beginning of the copy to the end. */
  readonly changes: number;
  /** Rows that are not redact(source), in all sinks. */
  readonly mismatches: number;
  readonly raw_values_found: number;
  /** From the return of the commit on the source until a reader of the twin sees it. */
  readonly lag_ms: Lag;
  readonly sinks: Readonly<Record<string, { readonly mismatches: number }>>;
}

export async function once(stage: Stage, signal: AbortSignal): Promise<Account> {
  const writer = await stage.writer();
  const seen = await during([(either) => writer.run(either)], signal, async (either) => {
    const streamed = await stream(stage, writer, either);
    say('pgveil is stopped, the shop goes on');
    await sleep(AWAY_MS, undefined, { signal: either });
    return streamed;
  });
  await catchUp(stage);
  say(`caught up with ${writer.changes} changed rows; comparing`);
  const mismatches = Object.entries(await countMismatches(stage));
  const raw_values_found = await countRawValues(stage, seen.pages);
  const { rows_copied, lag_ms } = seen;
  return {
    rows_copied,
    changes: writer.changes,
    mismatches: mismatches.reduce((sum, [, rows]) => sum + rows, 0),
    raw_values_found,
    lag_ms,
    sinks: Object.fromEntries(mismatches.map(([sink, rows]) => [sink, { mismatches: rows }])),
  };
}

/** `pgveil run`, from the first row of the copy to a stop as a service manager does it. */
async function stream(stage: Stage, writer: Writer, signal: AbortSignal) {
  const pgveil = stage.pgveil('run');
  const seen = await during([(either) => stage.lives(pgveil, either)], signal, async (either) => {
    say('pgveil copies the shop while the writer changes it');
    await stage.streaming(pgveil, either);
    say(`every table streams; ${STREAMING_MS / 1_000} seconds of changes follow`);
    const lag_ms = await measureLag(stage, either);
    say(`${writer.changes} changed rows so far, lag p50 ${lag_ms.p50} ms, p99 ${lag_ms.p99} ms`);
    const status = await stage.status();
    const rows_copied = Object.values(status?.tables ?? {}).reduce((sum, { rows }) => sum + (rows ?? 0), 0);
    return { rows_copied, lag_ms, pages: [JSON.stringify(status), (await stage.page('/metrics')) ?? ''] };
  });
  await stage.ended(pgveil, 'SIGTERM');
  return seen;
}

async function measureLag(stage: Stage, signal: AbortSignal): Promise<Lag> {
  const heartbeat = new Heartbeat(await stage.connect('source'), await stage.connect('twin'));
  await during([(either) => heartbeat.run(either)], signal, (either) =>
    sleep(STREAMING_MS, undefined, { signal: either }),
  );
  if (heartbeat.lag === null) throw new Error('not one beat came through to the twin');
  return { p50: heartbeat.lag.p50, p99: heartbeat.lag.p99 };
}

async function catchUp(stage: Stage): Promise<void> {
  await stage.ended(stage.pgveil('run', '--until-caught-up'));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
