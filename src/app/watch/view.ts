import type { Notice } from '../state/table-status.ts';
import type { Report } from '../status/report.ts';

/** What a screen is made of. */
export interface View {
  /** As known last; null before anything is. */
  readonly report: Report | null;
  /** A little earlier, of the same process, to tell how fast things go; null where there is none. */
  readonly before: { readonly report: Report; readonly seconds: number } | null;
  /** How long ago the process that had answered did so last; null where it does now, or never did. */
  readonly silentSeconds: number | null;
  /** Why not even what is stored can be shown. */
  readonly failure: Notice | null;
}

/** How much something grew a second; null where that is not known, or it began anew. */
export function perSecond(view: View, read: (report: Report) => number | null | undefined): number | null {
  if (!view.report || !view.before || view.silentSeconds !== null) return null;
  const [now, then] = [read(view.report), read(view.before.report)];
  if (typeof now !== 'number' || typeof then !== 'number' || now < then) return null;
  return (now - then) / view.before.seconds;
}
