export { decodeClassicFilter, sockGetsockopt, sockSetsockopt } from './sock-options.js';
export {
  CORE_HOST_SYSCTLS,
  CORE_NET_SYSCTLS,
  CORE_SHARED_SYSCTLS,
  CoreHostSysctl,
  CoreNetSysctl,
  coreSysctl,
  FREE_BUFFER_PAGES,
  type CoreHostSysctlName,
  type CoreNetSysctlName,
} from './core-sysctls.js';
export { ethTypeTrans, netifReceiveSkb, type PacketHandler } from './dev-receive.js';
export {
  devQueueXmit,
  devHardStartXmit,
  devQueueXmitNit,
  skbChecksumHelp,
  skbPartialCheck,
  devTxStats,
} from './dev-xmit.js';
export {
  devValidName,
  devAllocName,
  registerNetdevice,
  unregisterNetdevice,
  devOpen,
  devClose,
  netifCarrier,
  netifWakeQueue,
  devSetPromiscuity,
  devSetAllmulti,
  devUnicast,
  devMulticast,
  devSetMaster,
  devChangeNetNamespace,
} from './dev.js';
export { DropReason, dropReasonName, type DropReasonName } from './drop-reasons.js';
export { Dst } from './dst.js';
export {
  KernelModules,
  Kernel,
  type InetProtocol,
  type NetdevEvent,
  type LinkKind,
  type ClassNetFile,
  type ProcNetDir,
  type DiagSource,
  type KernelOptions,
} from './kernel.js';
export {
  MIB_GROUPS,
  Mib,
  MIB_ICMP_IN,
  MIB_ICMP_OUT,
  MIB_SIZE,
  mibAdd,
  type MibGroup,
  type MibName,
} from './mib.js';
export {
  NUD_CONNECTED,
  NUD_VALID,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_WEAK_OVERRIDE,
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_PARMS_DEFAULT,
  Neighbour,
  type NeighParms,
  type NeighOps,
} from './neighbour.js';
export {
  Stat,
  IF_OPER_UNKNOWN,
  IF_OPER_NOTPRESENT,
  IF_OPER_DOWN,
  IF_OPER_LOWERLAYERDOWN,
  IF_OPER_UP,
  NETDEV_TX_OK,
  NETDEV_TX_BUSY,
  RX_HANDLER_CONSUMED,
  RX_HANDLER_ANOTHER,
  RX_HANDLER_PASS,
  Feature,
  NetDevice,
  IF_OPER_DORMANT,
  type SysfsAttribute,
  type SysfsGroups,
  devAddrSet,
  statAdd,
  devStats,
  devUpdateOperstate,
  type NetDeviceOps,
} from './net-device.js';
export { skbGsoHeaderLength, skbGsoNetworkSeglen, skbGsoSegment } from './gso.js';
export { DeviceTap, addTap } from './device-tap.js';
export { Net } from './net.js';
export {
  NF_INET_PRE_ROUTING,
  NF_INET_LOCAL_IN,
  NF_INET_FORWARD,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_DROP,
  NF_ACCEPT,
  NF_STOLEN,
  NF_QUEUE,
  NF_REPEAT,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  NFPROTO_ARP,
  NFPROTO_BRIDGE,
  NFPROTO_COUNT,
  NfHooks,
  nfHookSlow,
  type NfHookState,
  type NfHookOps,
} from './netfilter.js';
export {
  NET_XMIT_SUCCESS,
  NET_XMIT_DROP,
  NET_XMIT_CN,
  TC_H_ROOT,
  Qdisc,
  PfifoFast,
  qdiscXmit,
  qdiscRun,
} from './qdisc.js';
export { qdiscDelete, qdiscNew, type QdiscKind } from './qdisc-api.js';
export { SkbQueue } from './skb-queue.js';
export {
  PACKET_HOST,
  PACKET_BROADCAST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  PACKET_OUTGOING,
  PACKET_LOOPBACK,
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  CHECKSUM_COMPLETE,
  CHECKSUM_PARTIAL,
  LL_MAX_HEADER,
  NET_SKB_PAD,
  SkBuff,
  SkbPool,
  skbHeadlen,
  skbHeadroom,
  skbTailroom,
  skbPush,
  skbPull,
  skbPut,
  skbReserve,
  skbTrim,
  skbAddFrag,
  skbCopyBits,
  skbBytes,
  pskbMayPull,
  skbLinearize,
  skbCow,
  skbCowHead,
  consumeSkb,
  type SkbFrag,
} from './skbuff.js';
export {
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  Sock,
  skbSetOwnerR,
  skbSetOwnerW,
  skbOrphan,
  sockFilter,
  SOF_TIMESTAMPING_SOFTWARE,
  sockQueueRcvSkb,
  sockQueuedBytes,
  sockDevMatches,
  sockControl,
  type SendOptions,
  type SockOps,
} from './sock.js';
export {
  NAPI_POLL_WEIGHT,
  NET_RX_SUCCESS,
  NET_RX_DROP,
  NapiStruct,
  SoftnetData,
  napiSchedule,
  napiComplete,
  netifRx,
} from './softnet.js';
export { parseSysctlInt, parseSysctlInts, type SysctlEntry } from './sysctl.js';
export { Tracepoints } from './trace.js';
export { Mib6, Mib6Counters, MIB6_GROUPS, MIB6_NAMES, type Mib6Name } from './mib6.js';
export { type RtnlFamily } from './rtnl-family.js';
export {
  skbVlanPush,
  skbVlanUntag,
  vlanDoReceive,
  VlanDev,
  vlanKey,
  VLAN_8021AD,
  VLAN_FLAG_REORDER_HDR,
  VLAN_HLEN,
  VLAN_VID_MASK,
} from './vlan-core.js';
export { ethRandomAddr } from './eth-addr.js';
export { skbGetHash } from './rps.js';
