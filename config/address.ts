import { fileURLToPath } from 'node:url';

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

/** Where a lake lies. */
export type LakePlace =
  | { readonly kind: 'folder' /** Absolute. */; readonly path: string }
  | {
      readonly kind: 'bucket';
      readonly bucket: string /** Without slashes at its ends; may be empty. */;
      readonly prefix: string;
    };

/** `s3://bucket/prefix` or `file:///path`; undefined when it is neither. */
export function parseLakeUrl(text: string): LakePlace | undefined {
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#]*))?$/.exec(text) ?? [];
  const parts = prefix.split('/').filter((part) => part !== '');
  if (bucket !== undefined) return parts.some(isDots) ? undefined : { kind: 'bucket', bucket, prefix: parts.join('/') };
  // Of three slashes the third begins the path: `file://lake` would mean a host.
  if (!/^file:\/\/\/[^/?#][^?#]*$/.test(text)) return undefined;
  try {
    return { kind: 'folder', path: fileURLToPath(text) };
  } catch {
    return undefined;
  }
}

/** To a folder above or the same: not what anybody means by a prefix. */
function isDots(part: string): boolean {
  return part === '.' || part === '..';
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** `kafka-1:9092`, or several with commas between; undefined when one of them is none. */
export function parseBrokers(text: string): readonly BrokerAddress[] | undefined {
  const brokers = text.split(',').map((broker) => parseListenAddress(broker.trim()));
  return brokers.every((broker) => broker !== undefined && broker.port > 0) ? (brokers as BrokerAddress[]) : undefined;
}

/** `https://registry:8081`, with a path where it answers below one; without the slash at its end. Undefined when it is none. */
export function parseRegistryUrl(text: string): string | undefined {
  const isOne = /^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(text) && URL.canParse(text);
  return isOne ? text.replace(/\/+$/, '') : undefined;
}

/** `http://127.0.0.1:9000`: where a store other than AWS answers. */
export function isEndpoint(text: string): boolean {
  return /^https?:\/\/[^/?#@\s]+\/?$/.test(text) && URL.canParse(text);
}

/** `https://login.example.com/oauth2/token`. */
export function isTokenUrl(text: string): boolean {
  return /^https?:\/\/[^/?#@\s]+\/[^#\s]*$/.test(text) && URL.canParse(text);
}
