/**
 * The spanning tree protocol of a bridge: who is the root, which ports forward, timers, topology changes.
 * BPDU in (bridge-bpdu.ts) → received* → configurationUpdate → portStateSelection → BPDUs out; timers do the same.
 * Sources: IEEE 802.1D-1998 §8.6 and §8.7, whose procedures give the names; net/bridge/br_stp.c, br_stp_if.c,
 * br_stp_timer.c. There is no user-space STP.
 */
import { Timer } from '@netloom/engine';
import { netifCarrier, type NetDevice } from '@netloom/kernel-core';
import {
  BR_KERNEL_STP,
  BR_NO_STP,
  BR_STATE_BLOCKING,
  BR_STATE_DISABLED,
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  BR_STATE_LISTENING,
  BR_STATE_NAMES,
  PortFlag,
  type Bridge,
  type BridgePort,
} from './bridge-state.js';
import { sendConfigBpduFrame, sendTcnBpduFrame } from './bridge-bpdu.js';

/** A configuration message. Times in nanoseconds. */
export interface ConfigBpdu {
  readonly topologyChange: boolean;
  readonly topologyChangeAck: boolean;
  readonly root: string;
  readonly rootPathCost: number;
  readonly bridgeId: string;
  readonly portId: number;
  readonly messageAge: number;
  readonly maxAge: number;
  readonly helloTime: number;
  readonly forwardDelay: number;
}

const HOLD_TIME = 1e9;
const MESSAGE_AGE_INCR = 1e9 / 256;

const now = (br: Bridge): number => br.dev.kernel.engine.now;

function log(br: Bridge, text: string): void {
  br.dev.kernel.printk(6, `${br.dev.name}: ${text}`);
}

function timers(port: BridgePort): ReturnType<BridgePort['stpTimers']> {
  return port.stpTimers(forwardDelayExpired, messageAgeExpired, holdExpired);
}

/** @kernel br_set_state() */
export function setPortState(port: BridgePort, state: number): void {
  port.state = state;
  log(
    port.br,
    `port ${port.portNo}(${port.dev.name}) entered ${BR_STATE_NAMES[state] ?? ''} state`,
  );
  if (port.dev.net.rtnlListeners.size > 0)
    port.dev.kernel.modules.callNetdevNotifiers('CHANGE', port.dev);
}

function isRootPort(port: BridgePort): boolean {
  return port.portNo === port.br.rootPort;
}

function isDesignated(port: BridgePort): boolean {
  return port.designatedBridge === port.br.bridgeId && port.designatedPort === port.portId;
}

/** Negative when `a` is better. Pairs are compared from the left. */
function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as string | number, b[i] as string | number];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** @kernel br_should_become_root_port() */
function betterRootPort(port: BridgePort, best: BridgePort | undefined): boolean {
  const { br } = port;
  if (port.state === BR_STATE_DISABLED || isDesignated(port)) return false;
  if (br.bridgeId <= port.designatedRoot) return false;
  if (best === undefined) return true;
  return (
    compare(
      [
        port.designatedRoot,
        port.designatedCost + port.pathCost,
        port.designatedBridge,
        port.designatedPort,
        port.portId,
      ],
      [
        best.designatedRoot,
        best.designatedCost + best.pathCost,
        best.designatedBridge,
        best.designatedPort,
        best.portId,
      ],
    ) < 0
  );
}

/** @kernel br_root_selection() */
function rootSelection(br: Bridge): void {
  let best: BridgePort | undefined;
  for (const port of br.ports) {
    if ((port.flags & PortFlag.root_block) !== 0 && betterRootPort(port, undefined)) {
      if (port.state !== BR_STATE_LISTENING) {
        log(br, `port ${port.portNo}(${port.dev.name}) tried to become root port (blocked)`);
        setPortState(port, BR_STATE_LISTENING);
      }
      if (br.forwardDelay > 0) armForwardDelay(port);
      continue;
    }
    if (betterRootPort(port, best)) best = port;
  }
  br.rootPort = best?.portNo ?? 0;
  if (best === undefined) {
    br.designatedRoot = br.bridgeId;
    br.rootPathCost = 0;
  } else {
    br.designatedRoot = best.designatedRoot;
    br.rootPathCost = best.designatedCost + best.pathCost;
  }
}

/** @kernel br_become_designated_port() */
export function becomeDesignatedPort(port: BridgePort): void {
  port.designatedRoot = port.br.designatedRoot;
  port.designatedCost = port.br.rootPathCost;
  port.designatedBridge = port.br.bridgeId;
  port.designatedPort = port.portId;
}

/** @kernel br_designated_port_selection() */
function designatedPortSelection(br: Bridge): void {
  for (const port of br.ports) {
    if (port.state === BR_STATE_DISABLED) continue;
    const should =
      isDesignated(port) ||
      port.designatedRoot !== br.designatedRoot ||
      compare(
        [br.rootPathCost, br.bridgeId, port.portId],
        [port.designatedCost, port.designatedBridge, port.designatedPort],
      ) < 0;
    if (should) becomeDesignatedPort(port);
  }
}

/** @kernel br_configuration_update() */
export function configurationUpdate(br: Bridge): void {
  rootSelection(br);
  designatedPortSelection(br);
}

function armForwardDelay(port: BridgePort): void {
  const { br } = port;
  port.forwardDelayUntil = now(br) + br.forwardDelay;
  if (port.state === BR_STATE_LISTENING || port.state === BR_STATE_LEARNING)
    timers(port).forward.set(port.forwardDelayUntil);
}

/** @kernel br_make_forwarding() */
function makeForwarding(port: BridgePort): void {
  const { br } = port;
  if (port.state !== BR_STATE_BLOCKING) return;
  if (br.stpEnabled === BR_NO_STP || br.forwardDelay === 0) {
    setPortState(port, BR_STATE_FORWARDING);
    topologyChangeDetection(br);
  } else {
    setPortState(port, BR_STATE_LISTENING);
  }
  if (br.forwardDelay !== 0) armForwardDelay(port);
}

/** @kernel br_make_blocking() */
function makeBlocking(port: BridgePort): void {
  if (port.state === BR_STATE_DISABLED || port.state === BR_STATE_BLOCKING) return;
  if (port.state === BR_STATE_FORWARDING || port.state === BR_STATE_LEARNING)
    topologyChangeDetection(port.br);
  setPortState(port, BR_STATE_BLOCKING);
  port.forwardDelayUntil = 0;
  port.runningTimers?.forward.cancel();
}

/** @kernel br_port_state_selection() */
export function portStateSelection(br: Bridge): void {
  let live = 0;
  for (const port of br.ports) {
    if (port.state === BR_STATE_DISABLED) continue;
    if (isRootPort(port)) {
      port.configPending = false;
      port.topologyChangeAck = false;
      makeForwarding(port);
    } else if (isDesignated(port)) {
      port.runningTimers?.message.cancel();
      makeForwarding(port);
    } else {
      port.configPending = false;
      port.topologyChangeAck = false;
      makeBlocking(port);
    }
    if (port.state === BR_STATE_FORWARDING) live++;
  }
  netifCarrier(br.dev, live > 0);
}

/** @kernel br_topology_change_detection() */
export function topologyChangeDetection(br: Bridge): void {
  if (br.stpEnabled !== BR_KERNEL_STP) return;
  log(br, `topology change detected, ${br.isRoot ? 'propagating' : 'sending tcn bpdu'}`);
  if (br.isRoot) {
    setTopologyChange(br, true);
    bridgeTimer(br, 'topology', topologyChangeExpired).set(
      now(br) + br.bridgeForwardDelay + br.bridgeMaxAge,
    );
  } else if (!br.topologyChangeDetected) {
    transmitTcn(br);
    bridgeTimer(br, 'tcn', tcnExpired).set(now(br) + br.bridgeHelloTime);
  }
  br.topologyChangeDetected = true;
}

function setTopologyChange(br: Bridge, on: boolean): void {
  if (br.topologyChange === on) return;
  br.topologyChange = on;
  br.fdb.fastAgeingNs = on ? 2 * br.forwardDelay : 0;
}

function bridgeTimer(
  br: Bridge,
  which: 'hello' | 'tcn' | 'topology',
  expired: (br: Bridge) => void,
): Timer {
  return (br.timers[which] ??= new Timer(br.dev.kernel.engine, () => {
    expired(br);
  }));
}

function helloExpired(br: Bridge): void {
  if (!br.dev.up) return;
  configBpduGeneration(br);
  if (br.stpEnabled === BR_KERNEL_STP)
    bridgeTimer(br, 'hello', helloExpired).set(now(br) + br.helloTime);
}

function tcnExpired(br: Bridge): void {
  if (br.isRoot || !br.dev.up) return;
  transmitTcn(br);
  bridgeTimer(br, 'tcn', tcnExpired).set(now(br) + br.bridgeHelloTime);
}

function topologyChangeExpired(br: Bridge): void {
  br.topologyChangeDetected = false;
  setTopologyChange(br, false);
}

/** @kernel br_forward_delay_timer_expired() */
function forwardDelayExpired(port: BridgePort): void {
  const { br } = port;
  if (port.state === BR_STATE_LISTENING) {
    setPortState(port, BR_STATE_LEARNING);
    armForwardDelay(port);
  } else if (port.state === BR_STATE_LEARNING) {
    setPortState(port, BR_STATE_FORWARDING);
    port.forwardDelayUntil = 0;
    if (
      br.ports.some(
        (other) => other.designatedBridge === br.bridgeId && other.state !== BR_STATE_DISABLED,
      )
    )
      topologyChangeDetection(br);
    netifCarrier(br.dev, true);
  }
}

/** The neighbour that this port heard of is silent. @kernel br_message_age_timer_expired() */
function messageAgeExpired(port: BridgePort): void {
  const { br } = port;
  if (port.state === BR_STATE_DISABLED) return;
  log(br, `port ${port.portNo}(${port.dev.name}) neighbor ${port.designatedBridge} lost`);
  const wasRoot = br.isRoot;
  becomeDesignatedPort(port);
  configurationUpdate(br);
  portStateSelection(br);
  if (br.isRoot && !wasRoot) becomeRootBridge(br);
}

function holdExpired(port: BridgePort): void {
  if (port.configPending) transmitConfig(port);
}

/** @kernel br_become_root_bridge() */
function becomeRootBridge(br: Bridge): void {
  br.maxAge = br.bridgeMaxAge;
  br.helloTime = br.bridgeHelloTime;
  br.forwardDelay = br.bridgeForwardDelay;
  topologyChangeDetection(br);
  br.timers.tcn?.cancel();
  if (br.dev.up) {
    configBpduGeneration(br);
    if (br.stpEnabled === BR_KERNEL_STP)
      bridgeTimer(br, 'hello', helloExpired).set(now(br) + br.helloTime);
  }
}

/** @kernel br_transmit_config() */
function transmitConfig(port: BridgePort): void {
  const { br } = port;
  const { hold } = timers(port);
  if (hold.pending) {
    port.configPending = true;
    return;
  }
  let messageAge = 0;
  if (!br.isRoot) {
    const root = br.portByNo(br.rootPort);
    const left = (root?.runningTimers?.message.expires ?? now(br)) - now(br);
    messageAge = br.maxAge - left + MESSAGE_AGE_INCR;
  }
  if (messageAge >= br.maxAge) return;
  sendConfigBpduFrame(port, {
    topologyChange: br.topologyChange,
    topologyChangeAck: port.topologyChangeAck,
    root: br.designatedRoot,
    rootPathCost: br.rootPathCost,
    bridgeId: br.bridgeId,
    portId: port.portId,
    messageAge,
    maxAge: br.maxAge,
    helloTime: br.helloTime,
    forwardDelay: br.forwardDelay,
  });
  port.topologyChangeAck = false;
  port.configPending = false;
  if (br.stpEnabled === BR_KERNEL_STP) hold.set(now(br) + HOLD_TIME);
}

/** @kernel br_transmit_tcn() */
function transmitTcn(br: Bridge): void {
  const port = br.portByNo(br.rootPort);
  if (port !== undefined && br.stpEnabled === BR_KERNEL_STP) sendTcnBpduFrame(port);
}

/** @kernel br_config_bpdu_generation() */
function configBpduGeneration(br: Bridge): void {
  if (br.stpEnabled !== BR_KERNEL_STP) return;
  for (const port of br.ports)
    if (port.state !== BR_STATE_DISABLED && isDesignated(port)) transmitConfig(port);
}

/** @kernel br_received_config_bpdu() */
export function receivedConfigBpdu(port: BridgePort, bpdu: ConfigBpdu): void {
  const { br } = port;
  const wasRoot = br.isRoot;
  const order = compare(
    [bpdu.root, bpdu.rootPathCost, bpdu.bridgeId],
    [port.designatedRoot, port.designatedCost, port.designatedBridge],
  );
  const supersedes =
    order < 0 ||
    (order === 0 && (bpdu.bridgeId !== br.bridgeId || bpdu.portId <= port.designatedPort));
  if (!supersedes) {
    if (isDesignated(port)) transmitConfig(port); // the other end has older news
    return;
  }
  port.designatedRoot = bpdu.root;
  port.designatedCost = bpdu.rootPathCost;
  port.designatedBridge = bpdu.bridgeId;
  port.designatedPort = bpdu.portId;
  timers(port).message.set(now(br) + bpdu.maxAge - bpdu.messageAge);
  configurationUpdate(br);
  portStateSelection(br);
  if (!br.isRoot && wasRoot) {
    br.timers.hello?.cancel();
    if (br.topologyChangeDetected) {
      br.timers.topology?.cancel();
      transmitTcn(br);
      bridgeTimer(br, 'tcn', tcnExpired).set(now(br) + br.bridgeHelloTime);
    }
  }
  if (!isRootPort(port)) return;
  br.maxAge = bpdu.maxAge;
  br.helloTime = bpdu.helloTime;
  br.forwardDelay = bpdu.forwardDelay;
  setTopologyChange(br, bpdu.topologyChange);
  configBpduGeneration(br);
  if (bpdu.topologyChangeAck) {
    br.topologyChangeDetected = false;
    br.timers.tcn?.cancel();
  }
}

/** @kernel br_received_tcn_bpdu() */
export function receivedTcnBpdu(port: BridgePort): void {
  if (!isDesignated(port)) return;
  log(port.br, `port ${port.portNo}(${port.dev.name}) received tcn bpdu`);
  topologyChangeDetection(port.br);
  port.topologyChangeAck = true;
  transmitConfig(port);
}

/** @kernel br_init_port() */
export function initPort(port: BridgePort): void {
  becomeDesignatedPort(port);
  setPortState(port, BR_STATE_BLOCKING);
  port.topologyChangeAck = false;
  port.configPending = false;
}

/** @kernel br_stp_enable_port() */
export function stpEnablePort(port: BridgePort): void {
  initPort(port);
  if (port.br.stpEnabled !== BR_NO_STP) {
    portStateSelection(port.br);
    return;
  }
  makeForwarding(port); // without a spanning tree the other ports stay what they are
  if (port.state === BR_STATE_FORWARDING) netifCarrier(port.br.dev, true);
}

/** @kernel br_stp_disable_port() */
export function stpDisablePort(port: BridgePort): void {
  const { br } = port;
  const wasRoot = br.isRoot;
  becomeDesignatedPort(port);
  setPortState(port, BR_STATE_DISABLED);
  port.topologyChangeAck = false;
  port.configPending = false;
  port.forwardDelayUntil = 0;
  port.runningTimers?.message.cancel();
  port.runningTimers?.forward.cancel();
  port.runningTimers?.hold.cancel();
  br.fdb.flushPort(port, false);
  br.mcast?.forgetPort(port, false);
  configurationUpdate(br);
  portStateSelection(br);
  if (br.isRoot && !wasRoot) becomeRootBridge(br);
}

/** The bridge comes up. @kernel br_stp_enable_bridge() */
export function stpEnableBridge(br: Bridge): void {
  if (br.stpEnabled === BR_KERNEL_STP)
    bridgeTimer(br, 'hello', helloExpired).set(now(br) + br.helloTime);
  configBpduGeneration(br);
  for (const port of br.ports) if (port.dev.running) stpEnablePort(port);
}

/** @kernel br_stp_disable_bridge() */
export function stpDisableBridge(br: Bridge): void {
  for (const port of br.ports) if (port.state !== BR_STATE_DISABLED) stpDisablePort(port);
  setTopologyChange(br, false);
  br.topologyChangeDetected = false;
  br.timers.hello?.cancel();
  br.timers.tcn?.cancel();
  br.timers.topology?.cancel();
}

/** @kernel br_stp_set_enabled() */
export function stpSetEnabled(br: Bridge, on: boolean): void {
  if (on === (br.stpEnabled !== BR_NO_STP)) return;
  if (on) {
    br.stpEnabled = BR_KERNEL_STP;
    if (br.dev.up) bridgeTimer(br, 'hello', helloExpired).set(now(br) + br.helloTime);
    portStateSelection(br);
    return;
  }
  br.stpEnabled = BR_NO_STP;
  br.timers.hello?.cancel();
  // what was heard of other bridges is forgotten, and every port forwards
  for (const port of br.ports) {
    if (port.state === BR_STATE_DISABLED) continue;
    port.runningTimers?.message.cancel();
    becomeDesignatedPort(port);
  }
  configurationUpdate(br);
  portStateSelection(br);
}

/** A new id: of the bridge's address or priority. @kernel br_stp_change_bridge_id(), br_stp_set_bridge_priority() */
export function stpChangeBridgeId(br: Bridge, priority: number, idAddress: number): void {
  const old = br.bridgeId;
  const wasRoot = br.isRoot;
  br.priority = priority;
  br.idAddress = idAddress;
  const id = br.bridgeId;
  if (wasRoot) br.designatedRoot = id;
  for (const port of br.ports) {
    if (port.designatedBridge === old) port.designatedBridge = id;
    if (port.designatedRoot === old) port.designatedRoot = id;
    if (port.state !== BR_STATE_DISABLED && port.designatedBridge === id)
      becomeDesignatedPort(port);
  }
  configurationUpdate(br);
  portStateSelection(br);
  if (br.isRoot && !wasRoot) becomeRootBridge(br);
}

/** @kernel br_stp_set_port_priority(), br_stp_set_path_cost() */
export function stpPortChanged(port: BridgePort, oldPortId: number): void {
  if (port.designatedBridge === port.br.bridgeId && port.designatedPort === oldPortId)
    port.designatedPort = port.portId;
  configurationUpdate(port.br);
  portStateSelection(port.br);
}

/** Whether a port of this device could forward. */
export function portUsable(dev: NetDevice): boolean {
  return dev.running;
}
