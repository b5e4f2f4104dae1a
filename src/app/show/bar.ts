const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `██████▍░░░░░`: a share from 0 to 1, `width` columns wide. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  return filled + '░'.repeat(width - Math.ceil(eighths / 8));
}

/** Of a copy that is under way. Bytes to copy are an estimate: a table that is not finished is never at 100 %. */
export function shareCopied(bytes: number, totalBytes: number): number {
  return Math.min(0.99, totalBytes > 0 ? bytes / totalBytes : 0);
}
