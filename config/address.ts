export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `127.0.0.1:8787`, `localhost:0` or `[::1]:8787`; undefined when it is not an address to listen on. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, v6, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

/** Whether the driver can take this apart. A password with @ / : or # in it that is not percent-encoded is what fails here. */
export function isPostgresUrl(text: string): boolean {
  // An empty host (a Unix socket) is fine for Postgres, but not for URL where a user stands before it.
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace('@/', '@localhost/'));
}
