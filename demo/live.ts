// `npm run demo`: the shop goes on until somebody stops it, and a view shows what arrives in the twin.
import { setTimeout as sleep } from 'node:timers/promises';
import { during } from './during.ts';
import { Heartbeat } from './heartbeat.ts';
import { Pairs } from './pair.ts';
import type { Stage } from './stage.ts';
import type { Stop } from './stop.ts';
import { Terminal } from './terminal.ts';
import { frame, plainLine, plainRow, type Scene } from './view.ts';

const FRAME_MS = 250;
const LINE_MS = 2_000;

type Show = (scene: Scene) => void;

/** Resolves when it was stopped; rejects when pgveil ended by itself. */
export async function live(stage: Stage, stop: Stop): Promise<void> {
  const { stdout } = process;
  const pgveil = stage.pgveil('run');
  if (stdout.isTTY) {
    using _keys = stop.listenToKeys();
    using terminal = new Terminal(stdout);
    const draw: Show = (scene) => terminal.draw(frame(scene, terminal.columns, terminal.rows));
    await play(stage, pgveil, stop.signal, draw, FRAME_MS);
  } else {
    const print: Show = (scene) => void stdout.write(`${plainLine(scene)}\n  ${plainRow(scene)}\n`);
    await play(stage, pgveil, stop.signal, print, LINE_MS);
  }
  await stage.ended(pgveil, 'SIGTERM');
}

async function play(
  stage: Stage,
  pgveil: ReturnType<Stage['pgveil']>,
  signal: AbortSignal,
  show: Show,
  everyMs: number,
): Promise<void> {
  const writer = await stage.writer();
  const heartbeat = new Heartbeat(await stage.connect('source'), await stage.connect('twin'));
  const pairs = new Pairs(await stage.connect('source'), await stage.connect('twin'), writer);
  const decisions = stage.tables['public.customer']!;
  const start = performance.now();
  const watch = async (either: AbortSignal) => {
    // Stopped while it still copies: that is no failure.
    await stage.streaming(pgveil, either).catch(unless(either));
    await heartbeat.run(either);
  };
  const follow = async (either: AbortSignal) => {
    while (!either.aborted) {
      const [status, pair] = await Promise.all([stage.status(), pairs.read()]);
      const seconds = (performance.now() - start) / 1_000;
      const { changes, recent } = writer;
      const { lag } = heartbeat;
      show({ seconds, status, changes, changesPerSecond: changes / seconds, lag, decisions, pair, recent });
      await sleep(everyMs, undefined, { signal: either }).catch(() => {});
    }
  };
  const lives = (either: AbortSignal) => stage.lives(pgveil, either);
  await during([lives, watch, (either) => writer.run(either)], signal, follow);
}

function unless(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
