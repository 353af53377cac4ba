export { Fdb, macNumber, macBytes, type FdbEntry } from './bridge-fdb.js';
export { Bridge, bridgeOf, BridgePort, bridgePortOf } from './bridge-state.js';
export { bridgeKind, bridgeRegister, bridgeFdbDump, bridgeFdbAdd, bridgeFdbDel } from './bridge.js';
export { dummyKind } from './dummy.js';
export { loopbackNetInit } from './loopback.js';
export { randomMac } from './mac.js';
export {
  NIC_RING_DEFAULT,
  NIC_RING_MAX,
  Nic,
  nicOf,
  nicReceive,
  nicCreate,
  nicRemove,
  nicSetLink,
} from './nic.js';
export { registerDrivers } from './register.js';
export { vethKind } from './veth.js';
export {
  WireDirection,
  Wire,
  type Impairments,
  type WireStats,
  type WireObserver,
} from './wire-link.js';
