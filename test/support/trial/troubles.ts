import type { Clock } from './clock.ts';
import { PEERS, type Peer, type PeerName, type Peers } from './peers.ts';

/** Who is in it. */
export interface Scene {
  readonly peers: Peers;
  /** The service's. */
  readonly clock: Clock;
}

/** What may go wrong. Whatever `begin` does, after `end` all is well again. */
export interface Trouble {
  readonly name: string;
  /** Whose disk it fills. */
  readonly fills: PeerName | null;
  begin(scene: Scene): Promise<void> | void;
  end(scene: Scene): Promise<void> | void;
}

/** Each way, of every piece: an answer takes twice as long, and a large one many times. */
const SLOW_MS = 200;
const HOUR_MS = 3_600_000;

interface PeerTrouble {
  begin(peer: Peer): Promise<void> | void;
  end(peer: Peer): Promise<void> | void;
}

const up = (peer: Peer) => peer.start();
const passes = ({ proxy }: Peer) => proxy.pass();
const FULL = 'has a full disk';

const OF_A_SERVER: Readonly<Record<string, PeerTrouble>> = {
  'is stopped': { begin: (peer) => peer.stop('orderly'), end: up },
  'is killed': { begin: (peer) => peer.stop('at once'), end: up },
  'is slow': { begin: ({ proxy }) => proxy.delay(SLOW_MS), end: passes },
  'is half-open': { begin: ({ proxy }) => proxy.stall(), end: passes },
  [FULL]: {
    begin: ({ disk }) => disk!.fill(),
    end: async (peer) => {
      await peer.disk!.free();
      await peer.start();
    },
  },
  'refuses the login': { begin: (peer) => peer.revoke(), end: (peer) => peer.restore() },
};

const ofClock = (name: string, hours: number): Trouble => ({
  name: `the clock goes ${name}`,
  fills: null,
  begin: ({ clock }) => clock.move(hours * HOUR_MS),
  end: ({ clock }) => clock.move(0),
});

/** Each server in each, and the service's own clock. */
export const TROUBLES: readonly Trouble[] = [
  ...PEERS.flatMap((peer) =>
    Object.entries(OF_A_SERVER).map(([what, { begin, end }]) => ({
      name: `${peer} ${what}`,
      fills: what === FULL ? peer : null,
      begin: ({ peers }: Scene) => begin(peers.peer(peer)),
      end: ({ peers }: Scene) => end(peers.peer(peer)),
    })),
  ),
  ofClock('two hours ahead', 2),
  ofClock('two hours back', -2),
];
