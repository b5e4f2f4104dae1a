/** Codes of the one table, src/core/errors.ts: `not_built_yet` for what is planned, the other for all that is wrong. */
export type FindingCode = 'config_invalid' | 'not_built_yet';

/** A place in the configuration: keys of mappings and positions in lists, from the root down. */
export type Path = readonly (string | number)[];

/** One problem in one place. Its texts carry names and positions, never a value, as any value may be a secret. */
export interface ConfigFinding {
  readonly code: FindingCode;
  /** The path, as in `tables["public.t"].columns.ssn.hush`. */
  readonly object: string;
  readonly message: string;
  readonly fix: string;
  readonly file: string;
  /** Counted from 1; null when the file could not be read at all. */
  readonly line: number | null;
}

/** A configuration that cannot be used: carries every problem that was found, not just the first. */
export class ConfigError extends Error {
  readonly findings: readonly ConfigFinding[];

  constructor(findings: readonly ConfigFinding[]) {
    super(findings.map(formatFinding).join('\n'));
    this.name = 'ConfigError';
    this.findings = findings;
    // It is a person's mistake in a file, not one in the program: frames would only bury the lines that help.
    this.stack = `${this.name}:\n${this.message}`;
  }
}

export function formatPath(path: Path): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return steps.join('').replace(/^\./, '') || 'configuration';
}

function formatFinding(finding: ConfigFinding): string {
  const place = finding.line === null ? finding.file : `${finding.file}:${finding.line}`;
  return `${place}: ${finding.object}: ${finding.message} (${finding.fix})`;
}
