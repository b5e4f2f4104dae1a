/** Where references are looked up. */
export interface References {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws as `readFileSync` does. */
  readFile(path: string): string;
}

export type Report = (message: string, fix: string) => void;

const REFERENCE = /\$\{([^}]*)(\}?)/g;
const VARIABLE = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>.*))?$/s;

/**
 * Replaces `${VAR}`, `${VAR:-default}` (used when VAR is unset or empty, as in a shell) and `${file:/path}` in one value
 * that YAML has already parsed, so that what a variable holds can never become YAML. Every failure is reported, and an
 * empty text stands for it. What comes out is not looked at again: a password with `${` in it comes through a variable.
 */
export function interpolate(text: string, references: References, report: Report): string {
  return text.replace(REFERENCE, (_reference, inside: string, end: string) => {
    if (end === '' || inside.includes('${')) return malformed(report);
    if (inside.startsWith('file:')) return fromFile(inside.slice('file:'.length), references, report);
    const { name, fallback } = VARIABLE.exec(inside)?.groups ?? {};
    return name === undefined ? malformed(report) : fromEnvironment(name, fallback, references, report);
  });
}

function fromEnvironment(name: string, fallback: string | undefined, references: References, report: Report): string {
  // hasOwn: an environment is an object, and `${constructor}` must not find what every object has.
  const value = Object.hasOwn(references.env, name) ? references.env[name] : undefined;
  if (fallback !== undefined) return value || fallback;
  if (value !== undefined) return value;
  report(`the environment variable ${name} is not set`, `set ${name}, or write \${${name}:-default}`);
  return '';
}

function fromFile(path: string, references: References, report: Report): string {
  try {
    return references.readFile(path).replace(/\r?\n$/, '');
  } catch (error) {
    // Only the system's code: the error's own text is not ours to vouch for.
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    report(`the file ${path} cannot be read (${reason})`, 'create it, or let this user read it');
    return '';
  }
}

/** Never quotes what it found: a password with `${` in it looks just like this. */
function malformed(report: Report): string {
  report('has an unreadable reference', `write \${VAR}, \${VAR:-default} or \${file:/path}`);
  return '';
}
