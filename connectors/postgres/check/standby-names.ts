/** `FIRST 2 (`, `ANY 1 (` or `2 (`: how many of the names that follow, and how they are chosen. */
const HOW_MANY = /^\s*(?:(?:FIRST|ANY)\s+)?\d+\s*\(/i;

/** One name, as it is or in double quotes. */
const NAME = /"((?:[^"]|"")*)"|[^\s,()"]+/g;

/** Whether a connection of that application_name may be one of the synchronous standbys, by synchronous_standby_names. */
export function areAmongStandbys(application: string, names: string): boolean {
  return namesOf(names).some((name) => name === '*' || name.toLowerCase() === application.toLowerCase());
}

function namesOf(names: string): string[] {
  const listed = names.replace(HOW_MANY, '').matchAll(NAME);
  return Array.from(listed, ([as, quoted]) => (quoted === undefined ? as : quoted.replaceAll('""', '"')));
}
