/**
 * Parameters of a URL that the driver would prefer to what pgveil sets: a server takes them for more than `options`, where both say
 * something, under `replication` an ordinary session would be a walsender’s, and by its `application_name` a session is known.
 */
const SET_BY_US = new Set([
  'options',
  'replication',
  'application_name',
  'client_encoding',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
]);

/**
 * What a session starts with. The URL’s `options` stay, since some hosts tell their databases apart by them, and ours stand behind them:
 * of two that set the same the server takes the last.
 */
export function startupOf(url: string, settings: Readonly<Record<string, string>>) {
  const [address, query] = cutAt(url, '?');
  const [parameters, fragment] = cutAt(query, '#');
  const kept = parameters.split('&').filter((parameter) => !SET_BY_US.has(nameOf(parameter)));
  const theirs = new URLSearchParams(parameters).getAll('options').at(-1);
  const ours = Object.entries(settings).map(([setting, value]) => `-c ${setting}=${value}`);
  return {
    connectionString: `${address}?${kept.join('&')}${fragment && `#${fragment}`}`,
    options: [...(theirs ? [theirs] : []), ...ours].join(' '),
  };
}

function cutAt(text: string, mark: string): [before: string, behind: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function nameOf(parameter: string): string {
  return [...new URLSearchParams(parameter).keys()][0] ?? '';
}
