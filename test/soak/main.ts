// node test/soak/main.ts [--minutes 60] [--every 120] [--rate 1000] [--seed N]: one line of JSON at the end, and exit code 1 where something is wrong.
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    every: { type: 'string', default: '120' },
    rate: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const say = (text: string) => process.stderr.write(`${text}\n`);
say(`seed ${values.seed}`);
const soaked = await soak({
  minutes: Number(values.minutes),
  faultEverySeconds: Number(values.every),
  changesPerSecond: Number(values.rate),
  seed: Number(values.seed),
  say,
});
process.stdout.write(`${JSON.stringify(soaked)}\n`);
process.exitCode = soaked.problems.length > 0 ? 1 : 0;
