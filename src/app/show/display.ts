import type { Observation } from '../../core/observer.ts';
import { createLogger, Log } from './log.ts';
import { readableLine } from './log-line.ts';
import { Progress } from './progress.ts';
import { Screen, type Terminal } from './screen.ts';

const REDRAW_MS = 100;
/** Wider lines are harder to read, not easier. */
const WIDEST = 110;

/** What `run` shows of itself while it runs. */
export interface Display extends Disposable {
  observe(seen: Observation): void;
}

/** For machines: JSON lines, the copy's progress among them. */
export function showLines(name: string, output: Terminal): Display {
  const log = new Log(createLogger(name, { write: (line) => void output.write(line) }));
  return { observe: (seen) => log.observe(seen), [Symbol.dispose]() {} };
}

/** For people at a terminal: readable lines, and while tables are copied a line for each below them. */
export function showBars(name: string, tables: number, terminal: Terminal): Display {
  const screen = new Screen(terminal);
  const progress = new Progress(tables);
  const log = new Log(createLogger(name, { write: (line) => screen.print(readableLine(line)) }));
  let timer: NodeJS.Timeout | undefined;
  const redraw = () => screen.draw(progress.lines(Math.min(screen.width - 1, WIDEST), screen.height));
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    screen.close();
  };
  const follow = () => {
    if (progress.active && timer === undefined) {
      timer = setInterval(redraw, REDRAW_MS);
      // process.exit() comes past here too: no terminal is left without its cursor.
      process.once('exit', stop);
    } else if (!progress.active && timer !== undefined) {
      stop();
      process.off('exit', stop);
      const result = progress.result();
      if (result !== null) screen.print(result);
    }
  };
  return {
    observe(seen) {
      if (seen.type !== 'copy due' && seen.type !== 'copy') log.observe(seen);
      if (seen.own !== undefined) return;
      progress.observe(seen);
      follow();
    },
    [Symbol.dispose]: stop,
  };
}
