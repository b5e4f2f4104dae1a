import { readFile } from 'node:fs/promises';
import { type Figures, rounded } from './figures.ts';

/** Process numbers by what the processes do. */
export type Processes = Readonly<Record<string, readonly number[]>>;

/** Microseconds of CPU, user and system, by what the processes do. */
export type CpuTimes = Readonly<Record<string, number>>;

/** A clock tick of /proc, on every Linux that Node runs on. */
const TICK_US = 10_000;

/** What they have used since they began; null where there is no /proc. */
export async function cpuTimes(processes: Processes): Promise<CpuTimes | null> {
  const times: Record<string, number> = {};
  for (const [role, pids] of Object.entries(processes)) {
    times[role] = 0;
    for (const pid of pids) {
      const used = await cpuTime(pid);
      if (used === null) return null;
      times[role] += used;
    }
  }
  return times;
}

/** What was used between two readings, for each of `units` pieces of work. */
export function cpuPer(units: number, before: CpuTimes | null, after: CpuTimes | null): Figures | null {
  if (!before || !after) return null;
  const used = Object.entries(after).map(([role, time]) => [role, rounded((time - (before[role] ?? 0)) / units, 1)]);
  return Object.fromEntries(used);
}

/** Fields 14 and 15 of the line, counted from behind the name in parentheses, which may hold anything. */
async function cpuTime(pid: number): Promise<number | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (line === null) return null;
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
