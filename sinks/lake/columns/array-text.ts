/**
 * Reads Postgres's text of an array of one dimension that counts from 1: `{1,NULL,"a b"}`. Null elements are null.
 * Undefined for other dimensions and other bounds (`[0:1]={…}`): no list says what they are.
 */
export function elementsOf(text: string): (string | null)[] | undefined {
  if (text === '{}') return [];
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined;
  const elements: (string | null)[] = [];
  const end = text.length - 1;
  for (let at = 1; at <= end; ) {
    if (text[at] === '{') return undefined;
    const [element, next] = text[at] === '"' ? quoted(text, at + 1) : bare(text, at, end);
    elements.push(element);
    if (next < end && text[next] !== ',') return undefined;
    at = next + 1;
  }
  return elements;
}

function bare(text: string, start: number, end: number): [string | null, number] {
  const comma = text.indexOf(',', start);
  const next = comma < 0 ? end : comma;
  const element = text.slice(start, next);
  return [element === 'NULL' ? null : element, next];
}

/** Quotes and backslashes within come behind a backslash. */
function quoted(text: string, start: number): [string, number] {
  let element = '';
  let at = start;
  for (; at < text.length && text[at] !== '"'; at++) {
    if (text[at] === '\\') at++;
    element += text[at];
  }
  return [element, at + 1];
}
