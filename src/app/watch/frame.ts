import { formatSeconds } from '../show/quantity.ts';
import type { Report } from '../status/report.ts';
import { pipelineWaits } from '../status/words.ts';
import { cutLine, type Line, type Span, span, widthOfLine } from './line.ts';
import { noticeLines } from './notices.ts';
import { sinkLines, slotLines } from './sinks.ts';
import { tableLines } from './tables.ts';
import type { View } from './view.ts';

/** Lines are easier to read when they are no longer than this. */
const WIDEST = 120;
/** What is wrong gets so much of the room, and more where the tables leave it. */
const NOTICES_SHARE = 0.4;
const FOOTER: Line = [span(' Ctrl-C ends', 'dim')];
const BLANK: Line = [];

/** The whole screen: `rows` lines for a terminal of `columns` by `rows`. None is as wide as it, as some terminals wrap then. */
export function frame(view: View, columns: number, rows: number): Line[] {
  const width = Math.min(columns - 1, WIDEST);
  const lines = [heading(view, width), BLANK, ...body(view, width, rows - 3)];
  const whole = lines.map((line) => cutLine(line, width)).slice(0, rows - 1);
  while (whole.length < rows - 1) whole.push(BLANK);
  return [...whole, FOOTER];
}

function body(view: View, width: number, room: number): Line[] {
  const { report } = view;
  if (!report) return noticeLines(view, width, room);
  const below = [BLANK, ...sinkLines(report, width), BLANK, ...slotLines(report, width)];
  const left = Math.max(0, room - below.length);
  const wanted = Object.keys(report.tables).length + 1;
  // One blank line stands between.
  const notices = noticeLines(view, width, Math.max(Math.floor(left * NOTICES_SHARE), left - wanted - 1));
  const taken = notices.length > 0 ? notices.length + 1 : 0;
  const lines = [...tableLines(view, report, width, left - taken), ...below];
  if (notices.length > 0) lines.push(BLANK, ...notices);
  return view.silentSeconds === null ? lines : lines.map(faded);
}

/** What was so once, and may be no longer. */
function faded(line: Line): Line {
  return line.map(({ text }) => ({ text, style: 'dim' as const }));
}

function heading(view: View, width: number): Line {
  const { report } = view;
  const left = [span(' pgveil', 'bold'), span(report ? ` ${report.version} · ${report.name}` : '')];
  const right = [...state(view), span(report?.position ? ` · ${report.position}` : '')];
  const gap = width - widthOfLine(left) - widthOfLine(right);
  return [...left, span(' '.repeat(Math.max(2, gap))), ...right];
}

function state({ report, silentSeconds }: View): Span[] {
  if (silentSeconds !== null) return [span(`no answer for ${formatSeconds(silentSeconds)}`, 'red')];
  if (!report?.running) return [span('not running', 'yellow')];
  if (report.trouble) return [span(report.trouble.code, 'red')];
  if (report.waiting) return [span(pipelineWaits(report), 'yellow')];
  const words = [...countTables(report), ...countParked(report)];
  return words.length === 0
    ? [span('streaming', 'green')]
    : words.flatMap((word, at) => (at ? [span(' · '), word] : [word]));
}

function countTables({ tables }: Report): Span[] {
  const count = (state: string) => Object.values(tables).filter((table) => table.state === state).length;
  const [halted, copying, waiting] = [count('halted'), count('copying'), count('waiting')];
  return [
    ...(halted > 0 ? [span(`${halted} halted`, 'red')] : []),
    ...(copying > 0 ? [span(`${copying} copying`, 'cyan')] : []),
    ...(waiting > 0 ? [span(`${waiting} waiting`, 'yellow')] : []),
  ];
}

function countParked({ sinks }: Report): Span[] {
  const parked = Object.values(sinks).filter(({ state }) => state === 'parked').length;
  return parked > 0 ? [span(`${parked} parked`, 'red')] : [];
}
