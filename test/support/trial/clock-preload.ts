// Loaded into pgveil before its own code (NODE_OPTIONS=--import): at SIGUSR2 its clock goes by as many milliseconds as the file in
// PGVEIL_TEST_CLOCK says. The monotonic clock (`performance.now`, timers) goes on, as it does when a machine's clock is set.
import { readFileSync } from 'node:fs';

let offset = 0;
const Real = Date;

class Moved extends Real {
  constructor(...parameters: unknown[]) {
    super(...((parameters.length === 0 ? [Moved.now()] : parameters) as [number]));
  }

  static override now(): number {
    return Real.now() + offset;
  }
}

globalThis.Date = Moved as DateConstructor;
process.on('SIGUSR2', () => {
  offset = Number(readFileSync(process.env.PGVEIL_TEST_CLOCK!, 'utf8'));
});
