export {
  neighMsg,
  arpLookup,
  arpNeighbour,
  arpCreate,
  arpRemove,
  arpDeviceDown,
  arpChangeAddress,
  arpSend,
  arpRcv,
} from './arp.js';
export {
  INFINITY_LIFE_TIME,
  inetdevInit,
  inetAddAddress,
  inetDelAddress,
  inetAddrMsg,
  inetdevEvent,
} from './devinet.js';
export { ipRtUpdatePmtu, ipv4Redirect, ipv4UpdatePmtu } from './route-exceptions.js';
export { fibDelRule, fibNewRule, fibRuleMsg, fibTablesSplit } from './fib-rules.js';
export { flowHash } from './fib-multipath.js';
export {
  fibGetTable,
  fibLookup,
  inetAddrType,
  fibValidateSource,
  fibSelectSource,
  fibTables,
  fibRegister,
  type FibResult,
} from './fib-frontend.js';
export { fibAddIfaddr, fibDelIfaddr, fibDisableDevice, fibSyncCarrier } from './fib-ifaddr.js';
export { fibNewRoute, fibDelRoute, fibResolveNexthop } from './fib-requests.js';
export { fibExceptionMsgs, fibRouteMsg } from './fib-messages.js';
export {
  RTN_UNICAST,
  RTN_LOCAL,
  RTN_BROADCAST,
  RTN_MULTICAST,
  RTN_BLACKHOLE,
  RTN_UNREACHABLE,
  RTN_PROHIBIT,
  RTN_THROW,
  RT_SCOPE_UNIVERSE,
  RT_SCOPE_SITE,
  RT_SCOPE_LINK,
  RT_SCOPE_HOST,
  RT_SCOPE_NOWHERE,
  RTPROT_KERNEL,
  RTPROT_BOOT,
  RTNH_F_DEAD,
  RTNH_F_ONLINK,
  RTNH_F_LINKDOWN,
  FibTable,
  type FibNh,
  type FibInfo,
  type FibRoute,
} from './fib-table.js';
export { icmpIsError, icmpAllow, icmpSend, icmpCountOut } from './icmp-send.js';
export { icmpProtocol } from './icmp.js';
export {
  IPV4_CONF,
  Conf,
  CONF_DEFAULTS,
  IFA_F_SECONDARY,
  IFA_F_PERMANENT,
  IFA_F_NOPREFIXROUTE,
  InDevice,
  type Ipv4ConfName,
  type InIfaddr,
} from './in-device.js';
export {
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_WANT,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_PROBE,
  ICMP_ERR_CONVERT,
  sockaddrIn,
  InetSock,
  ipQueueXmit,
  ipSendSkbReply,
} from './inet-sock.js';
export {
  inetSysctls,
  ipv4ConfNames,
  ipv4ConfDevices,
  ipv4GetConf,
  ipv4SetConf,
} from './inet-sysctls.js';
export { ipError } from './ip-error.js';
export { ipForward, rtTosToPriority } from './ip-forward.js';
export { IPSKB_IGNORE_DF, ipFragment } from './ip-fragment-out.js';
export { FragTable, ipDefrag } from './ip-fragment.js';
export { ipRcv } from './ip-input.js';
export { ipLocalDeliver } from './ip-local.js';
export {
  ipPushHeader,
  writeIpHeader,
  ipDefaultTtl,
  ipLocalOut,
  ipOutput,
  ipSelectIdent,
  type IpHeaderFields,
} from './ip-output.js';
export {
  RT_TABLE_DEFAULT,
  RT_TABLE_MAIN,
  RT_TABLE_LOCAL,
  IPV4_SYSCTLS,
  Ipv4Sysctl,
  NetnsIpv4,
  ipv4Of,
  type Ipv4SysctlName,
  type FibRule,
} from './ipv4-net.js';
export {
  nexthopDel,
  nexthopFlushDev,
  nexthopMsg,
  nexthopNew,
  nexthops,
  type Nexthop,
} from './nexthop.js';
export { PingSock, PingTable, pingTable } from './ping.js';
export { PacketTable, packetTable, PacketSock } from './packet.js';
export { RawTable, RawSock } from './raw.js';
export { registerInet } from './register.js';
export {
  Rtable,
  ipv4IsMulticast,
  ipv4IsLoopback,
  ipv4IsZeronet,
  routeTypeErrno,
  rtValid,
  type Flow4,
} from './route.js';
export { ipCheckMc, ipRouteInput, type InputCacheEntry } from './route-input.js';
export { ipRouteOutput } from './route-output.js';
export { UdpTable } from './udp-table.js';
export { UdpSock, udpProtocol } from './udp.js';
export {
  BIND_V4,
  BIND_DUAL,
  BIND_V6,
  bindAddressesMeet,
  in6Key,
  Ipv6Pinfo,
  sockaddrIn6,
  sockaddrMapped,
} from './ipv6-pinfo.js';
export { UdpTunnelSock, udpTunnelSock, udpTunnelPush, type EncapRcv } from './udp-tunnel.js';
export {
  IGMP_ALL_HOSTS,
  IgmpGroup,
  igmpJoin,
  igmpLeave,
  igmpOf,
  IgmpState,
  type IgmpSource,
} from './igmp.js';
