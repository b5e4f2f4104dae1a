/** What can be wrong with a configuration, and what each code means. All of them end the program with exit code 2. */
export const findingCodes = {
  unreadable_config: 'the configuration file cannot be read',
  invalid_yaml: 'the file is not YAML',
  unknown_key: 'a key that does not exist, mostly a misspelled one',
  repeated_key: 'a key, table or column that is there already',
  missing_key: 'a key that must be there',
  wrong_value: 'a value that cannot stand where it stands',
  not_built: 'a key, rule or kind of sink that is planned, but not built yet',
  unset_variable: 'a reference without a default to an environment variable that is not set',
  unreadable_file: 'a reference to a file that cannot be read',
  weak_key: 'a key that is too short, or plainly not random',
} as const;

export type FindingCode = keyof typeof findingCodes;

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
