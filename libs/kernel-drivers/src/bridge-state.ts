/**
 * What a bridge and its ports remember. @kernel net/bridge/br_private.h struct net_bridge, net_bridge_port
 * A bridge id is text: priority and address in hexadecimal, `8000.020000000001`, so that the lesser id is the lesser text.
 * Times are nanoseconds.
 */
import { Timer } from '@netloom/engine';
import type { NetDevice } from '@netloom/kernel-core';
import { Fdb } from './bridge-fdb.js';
import type { BridgeMcast } from './bridge-multicast.js';

export const BR_STATE_DISABLED = 0;
export const BR_STATE_LISTENING = 1;
export const BR_STATE_LEARNING = 2;
export const BR_STATE_FORWARDING = 3;
export const BR_STATE_BLOCKING = 4;

export const BR_STATE_NAMES = [
  'disabled',
  'listening',
  'learning',
  'forwarding',
  'blocking',
] as const;

export const BR_NO_STP = 0;
export const BR_KERNEL_STP = 1;

/** Switches of a port, by the names that `bridge -d link` prints. */
export const PortFlag = {
  hairpin: 1 << 0,
  guard: 1 << 1,
  root_block: 1 << 2,
  fastleave: 1 << 3,
  learning: 1 << 4,
  flood: 1 << 5,
  proxy_arp: 1 << 6,
  proxy_arp_wifi: 1 << 7,
  mcast_flood: 1 << 8,
  bcast_flood: 1 << 9,
  mcast_to_unicast: 1 << 10,
  neigh_suppress: 1 << 11,
  vlan_tunnel: 1 << 12,
  isolated: 1 << 13,
  locked: 1 << 14,
} as const;

const DEFAULT_FLAGS =
  PortFlag.learning | PortFlag.flood | PortFlag.mcast_flood | PortFlag.bcast_flood;

/** A VLAN of a port or of the bridge. */
export interface BridgeVlan {
  flags: number;
  state: number;
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
}

/** VLANs of a port or of the bridge by number, and which one untagged frames belong to (0 none). */
export interface VlanGroup {
  readonly vlans: Map<number, BridgeVlan>;
  pvid: number;
}

export class BridgePort {
  state = BR_STATE_DISABLED;
  flags = DEFAULT_FLAGS;
  priority = 32;
  pathCost = 2;
  costSet = false;
  groupFwdMask = 0;
  backupPort: NetDevice | null = null;
  /** 0 never, 1 as learned, 2 always. */
  mcastRouter = 1;
  /** Until when a router was heard of here; 0 for none. */
  routerUntil = 0;
  readonly vlanGroup: VlanGroup = { vlans: new Map(), pvid: 0 };

  designatedRoot = '';
  designatedBridge = '';
  designatedCost = 0;
  designatedPort = 0;
  configPending = false;
  topologyChangeAck = false;
  /** Runs only where the port waits for it; when the time would be over, for display. */
  forwardDelayUntil = 0;
  private timers: { forward: Timer; message: Timer; hold: Timer } | null = null;

  constructor(
    readonly br: Bridge,
    readonly dev: NetDevice,
    readonly portNo: number,
  ) {}

  get portId(): number {
    return ((this.priority & 0x3f) << 10) | this.portNo;
  }

  /** The spanning tree's timers; made on first use. */
  stpTimers(
    forward: (port: BridgePort) => void,
    message: (port: BridgePort) => void,
    hold: (port: BridgePort) => void,
  ): { forward: Timer; message: Timer; hold: Timer } {
    const { engine } = this.br.dev.kernel;
    return (this.timers ??= {
      forward: new Timer(engine, () => {
        forward(this);
      }),
      message: new Timer(engine, () => {
        message(this);
      }),
      hold: new Timer(engine, () => {
        hold(this);
      }),
    });
  }

  get runningTimers(): { forward: Timer; message: Timer; hold: Timer } | null {
    return this.timers;
  }
}

const SECOND = 1e9;

export class Bridge {
  /** Which port numbers are taken, by a 1. */
  readonly portNumbers = new Uint8Array(1024);
  /** In the order in which they came. */
  readonly ports: BridgePort[] = [];
  readonly fdb = new Fdb();
  /** Bits X of 01:80:c2:00:00:0X that are forwarded all the same. */
  groupFwdMask = 0;
  /** 01:80:c2:00:00:0X, to which BPDUs go. */
  groupAddress = 0;
  addressSet = false;
  mtuSet = false;
  noLinklocalLearn = 0;
  nfCall = [0, 0, 0];
  vlanStatsEnabled = 0;
  vlanStatsPerPort = 0;
  openedAt = 0;

  vlanEnabled = false;
  vlanProto = 0x8100;
  defaultPvid = 1;
  readonly vlanGroup: VlanGroup = { vlans: new Map(), pvid: 0 };

  stpEnabled = BR_NO_STP;
  priority = 0x8000;
  /** The id as text, and what it was made of. */
  private readonly idOf = [-1, -1];
  private idText = '';
  /** The address in the bridge's id: that of a port, or zero while there is none. */
  idAddress = 0;
  designatedRoot = '8000.000000000000';
  rootPathCost = 0;
  /** Number of the port towards the root, 0 on the root itself. */
  rootPort = 0;
  maxAge = 20 * SECOND;
  helloTime = 2 * SECOND;
  forwardDelay = 15 * SECOND;
  bridgeMaxAge = 20 * SECOND;
  bridgeHelloTime = 2 * SECOND;
  bridgeForwardDelay = 15 * SECOND;
  topologyChange = false;
  topologyChangeDetected = false;
  readonly timers: { hello: Timer | null; tcn: Timer | null; topology: Timer | null } = {
    hello: null,
    tcn: null,
    topology: null,
  };
  /** Groups and queriers; made when the first group or setting comes. */
  mcast: BridgeMcast | null = null;
  mcastSnooping = 1;

  constructor(readonly dev: NetDevice) {}

  get bridgeId(): string {
    if (this.idOf[0] !== this.priority || this.idOf[1] !== this.idAddress) {
      this.idOf[0] = this.priority;
      this.idOf[1] = this.idAddress;
      this.idText = bridgeIdText(this.priority, this.idAddress);
    }
    return this.idText;
  }

  get isRoot(): boolean {
    return this.bridgeId === this.designatedRoot;
  }

  portByNo(portNo: number): BridgePort | undefined {
    return this.ports.find((port) => port.portNo === portNo);
  }
}

export function bridgeIdText(priority: number, mac: number): string {
  return `${priority.toString(16).padStart(4, '0')}.${mac.toString(16).padStart(12, '0')}`;
}

/** The bridge behind a device. */
export function bridgeOf(dev: NetDevice): Bridge | undefined {
  return dev.priv instanceof Bridge ? dev.priv : undefined;
}

/** The port that a device is. */
export function bridgePortOf(dev: NetDevice): BridgePort | undefined {
  return dev.rxHandlerData instanceof BridgePort ? dev.rxHandlerData : undefined;
}
