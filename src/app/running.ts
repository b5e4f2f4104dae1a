import type { Address } from './http.ts';
import type { Status } from './state/state.ts';

const PATIENCE_MS = 2_000;

/**
 * Asks the process that runs the pipeline `name` for its status; null when nobody answers there within `patienceMs`, or
 * somebody else does.
 */
export async function askRunning(
  { host, port }: Address,
  name: string,
  patienceMs = PATIENCE_MS,
): Promise<Status | null> {
  if (port === 0) return null;
  try {
    const response = await fetch(`http://${reachable(host)}:${port}/status`, {
      signal: AbortSignal.timeout(patienceMs),
    });
    const answer = (await response.json()) as Partial<Status> | null;
    return answer?.name === name && answer.tables && answer.sinks ? (answer as Status) : null;
  } catch {
    return null;
  }
}

/** An address to listen at, as one to connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
