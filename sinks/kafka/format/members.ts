const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const [OPEN_BRACE, CLOSE_BRACE] = [0x7b, 0x7d];
const [OPEN_BRACKET, CLOSE_BRACKET] = [0x5b, 0x5d];

/** A field of a JSON object: its name as it is escaped there, and where its value lies. */
export interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The fields of the object that begins at `start`, of JSON without spaces, as our formats write it. Values stay the bytes that they are: as
 * numbers of JavaScript long ones would lose digits.
 */
export function* members(json: Buffer, start = 0): Iterable<Member> {
  let at = start + 1;
  while (json[at] === QUOTE) {
    const colon = valueEnd(json, at);
    if (json[colon] !== COLON) return;
    const end = valueEnd(json, colon + 1);
    yield { name: json.toString('utf8', at + 1, colon - 1), start: colon + 1, end };
    if (json[end] !== COMMA) return;
    at = end + 1;
  }
}

/** Behind the value that begins at `at`. */
function valueEnd(json: Buffer, at: number): number {
  let depth = 0;
  for (;;) {
    const byte = json[at];
    if (byte === QUOTE) at = stringEnd(json, at);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      at++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return at; // that of whatever the value stands in
      depth--;
      at++;
    } else if (byte === undefined || (depth === 0 && (byte === COMMA || byte === COLON))) return at;
    else at++;
    if (depth === 0 && isOver(json[at])) return at;
  }
}

function isOver(byte: number | undefined): boolean {
  return byte === undefined || byte === COMMA || byte === COLON || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

function stringEnd(json: Buffer, at: number): number {
  for (at++; at < json.length && json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) at++;
  return at + 1;
}
