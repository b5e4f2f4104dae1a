import { slotsOf } from '../state/state.ts';
import type { Notice } from '../state/table-status.ts';
import { type Line, type Style, span, wrap } from './line.ts';
import type { View } from './view.ts';

interface Remark {
  readonly about: string;
  readonly notice: Notice;
  readonly kind: { readonly mark: string; readonly style: Style };
}

const HALT = { mark: '✗', style: 'red' } as const;
const WARNING = { mark: '!', style: 'yellow' } as const;

/** What is wrong, each with its fix and the worst first, in at most `room` lines. */
export function noticeLines(view: View, width: number, room: number): Line[] {
  const blocks = remarksOf(view).map((remark) => remarkLines(remark, width));
  if (blocks.flat().length <= room) return blocks.flat();
  const shown: Line[] = [];
  let count = 0;
  while (shown.length + blocks[count]!.length < room) shown.push(...blocks[count++]!);
  // Not even the first one: its beginning is better than nothing.
  if (count === 0) shown.push(...blocks[count++]!.slice(0, Math.max(0, room - 1)));
  const left = blocks.length - count;
  const more = left > 0 ? `and ${left} more: pgveil status shows all` : 'pgveil status shows all of it';
  return room > 0 ? [...shown, [span(`   ${more}`, 'dim')]] : [];
}

function remarksOf({ report, failure }: View): Remark[] {
  const remarks: Remark[] = failure ? [{ about: 'status', notice: failure, kind: HALT }] : [];
  if (!report) return remarks;
  const { tables, trouble } = report;
  if (trouble) remarks.push({ about: 'pipeline', notice: trouble, kind: HALT });
  for (const [sink, { halt }] of Object.entries(report.sinks))
    if (halt) remarks.push({ about: `sink ${sink}`, notice: halt, kind: HALT });
  for (const [sink, { trouble: away }] of Object.entries(report.sinks))
    if (away) remarks.push({ about: `sink ${sink}`, notice: away, kind: WARNING });
  for (const [about, { halt }] of Object.entries(tables)) if (halt) remarks.push({ about, notice: halt, kind: HALT });
  for (const { name, alarms } of slotsOf(report)) {
    for (const notice of alarms) remarks.push({ about: `slot ${name}`, notice, kind: WARNING });
  }
  for (const [about, { warnings }] of Object.entries(tables)) {
    for (const notice of warnings) remarks.push({ about, notice, kind: WARNING });
  }
  return remarks;
}

/** ` ✗ public.a: no_key: The table has no usable key.`, and below it the fix. */
function remarkLines({ about, notice, kind }: Remark, width: number): Line[] {
  const said = wrap(`${about}: ${notice.code}: ${notice.message}`, width - 3);
  const fix = notice.fix.split('\n').flatMap((line) => wrap(line, width - 8));
  return [
    ...said.map((text, at) => [span(at === 0 ? ` ${kind.mark} ` : '   ', kind.style), span(text, kind.style)]),
    ...fix.map((text, at) => [span(at === 0 ? '   fix: ' : '        ', 'dim'), span(text)]),
  ];
}
