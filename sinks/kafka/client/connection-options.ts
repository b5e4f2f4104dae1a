import { isIP } from 'node:net';
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaConnection } from '../../../config/config.ts';
import { saslOptions } from './sasl.ts';

const CONNECT_MS = 5_000;
/** A broker may wait for its replicas this long before it answers. */
export const REQUEST_MS = 20_000;

/** As the client wants them. `began`: see sasl.ts. */
export function connectionOptions(
  { brokers, tls, sasl }: KafkaConnection,
  began: (ms: number) => void = () => {},
): ConnectionOptions {
  return {
    connectTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    // One request of many partitions, one of the coordinator's, and what looks at leaders.
    maxInflights: 5,
    ...(tls && {
      tls: {
        ...(tls.authority !== null && { ca: tls.authority }),
        ...(tls.certificate !== null && { cert: tls.certificate }),
        ...(tls.key !== null && { key: tls.key.reveal() }),
      },
      tlsServerName: brokers.every(({ host }) => isIP(host) === 0), // an address is no name
    }),
    ...(sasl && { sasl: saslOptions(sasl, began) }),
  };
}
