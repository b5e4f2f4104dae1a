import { styleText } from 'node:util';
import { fixLines, printable } from './printable.ts';

/** What the readable line says in words of its own, or not at all. */
const SAID_ALREADY = new Set(['level', 'time', 'name', 'msg', 'table', 'part', 'code', 'fix', 'retry_in_ms']);

/** A JSON line of the log as a short line for people: `12:30:07 public.customer: streaming (generation 1)`. */
export function readableLine(json: string): string {
  const entry: Record<string, unknown> = JSON.parse(json);
  const level = String(entry.level);
  const isNamed = entry.part === 'pipeline' || String(entry.msg).includes(String(entry.part));
  const about = [entry.table, isNamed ? undefined : entry.part, entry.code].filter((part) => part !== undefined);
  const saying = [...about, entry.msg].map(String).join(': ');
  const rest = Object.entries(entry).filter(([key]) => !SAID_ALREADY.has(key));
  const details = rest.map(([key, value]) => `${key} ${value}`).join(', ');
  const line = [
    clock(String(entry.time)),
    printable(saying),
    details && `(${printable(details)})`,
    retry(entry.retry_in_ms),
  ];
  const text = line.filter(Boolean).join(' ');
  const withFix = entry.fix === undefined ? text : `${text}\n${fixLines(String(entry.fix), 9)}`;
  return level === 'warn' ? styleText('yellow', withFix) : level === 'error' ? styleText('red', withFix) : withFix;
}

/** The time of day, local. */
function clock(iso: string): string {
  return new Date(iso).toTimeString().slice(0, 8);
}

function retry(ms: unknown): string {
  return typeof ms === 'number' ? `- again in ${Math.max(1, Math.round(ms / 1000))} s` : '';
}
