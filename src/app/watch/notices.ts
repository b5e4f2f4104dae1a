import { pipelineRemarks, type Remark, sinkRemarks, slotRemarks, tableRemarks } from '../status/remarks.ts';
import { type Line, span, wrap } from './line.ts';
import type { View } from './view.ts';

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
  const ownFailure: Remark[] = failure ? [{ about: 'status', notice: failure, isHalt: true }] : [];
  if (!report) return ownFailure;
  const [haltsOfSinks, troublesOfSinks] = haltsAside(sinkRemarks(report));
  const [haltsOfTables, warningsOfTables] = haltsAside(tableRemarks(report));
  return [
    ...ownFailure,
    ...pipelineRemarks(report),
    ...haltsOfSinks,
    ...troublesOfSinks,
    ...haltsOfTables,
    ...slotRemarks(report),
    ...warningsOfTables,
  ];
}

function haltsAside(remarks: readonly Remark[]): [halts: Remark[], others: Remark[]] {
  return [remarks.filter(({ isHalt }) => isHalt), remarks.filter(({ isHalt }) => !isHalt)];
}

/** ` ✗ public.a: no_key: The table has no usable key.`, and below it the fix. */
function remarkLines({ about, notice, isHalt }: Remark, width: number): Line[] {
  const { mark, style } = isHalt ? HALT : WARNING;
  const said = wrap(`${about}: ${notice.code}: ${notice.message}`, width - 3);
  const fix = notice.fix.split('\n').flatMap((line) => wrap(line, width - 8));
  return [
    ...said.map((text, at) => [span(at === 0 ? ` ${mark} ` : '   ', style), span(text, style)]),
    ...fix.map((text, at) => [span(at === 0 ? '   fix: ' : '        ', 'dim'), span(text)]),
  ];
}
