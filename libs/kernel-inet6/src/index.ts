export { ipv6ChkAcast, ipv6ChkAddr, ipv6GetIfaddr } from './addr-check.js';
export { ipv6DevGetSaddr, ipv6GetLladdr, ipv6AddrSrcScope, ipv6AddrLabel } from './addr-select.js';
export {
  addrconfDelete,
  inet6AddAddress,
  inet6AddrMsg,
  inet6DelAddress,
  inet6DevInit,
  inet6devEvent,
  ipv6SetAddrGenMode,
} from './addrconf.js';
export {
  IP6SKB_DONTFRAG,
  IP6SKB_FRAGMENTED,
  IP6SKB_NOMCLOOP,
  IP6SKB_ROUTERALERT,
  ipv6ExtHdr,
  ipv6SkipExthdr,
  type SkippedHeaders,
} from './exthdrs.js';
export { fib6Dump, fib6NewRoute, fib6DelRoute, fib6RouteMsg } from './fib6-frontend.js';
export { fib6Rules, type Fib6Rule } from './fib6-rules.js';
export {
  Fib6Table,
  RTF_ADDRCONF,
  RTF_DEFAULT,
  RTN6_ANYCAST,
  RTN6_LOCAL,
  RTN6_MULTICAST,
  RTN6_UNICAST,
  type Fib6Info,
  type Fib6Nh,
} from './fib6-table.js';
export {
  Flow6,
  IPV6_PREFER_SRC_COA,
  IPV6_PREFER_SRC_PUBLIC,
  IPV6_PREFER_SRC_TMP,
} from './flow6.js';
export { icmpv6Allow, icmpv6Checksum, icmpv6CountOut, icmpv6Send } from './icmpv6-send.js';
export { icmpv6ErrConvert } from './icmpv6.js';
export { Conf6, IFA_F_OPTIMISTIC, IFA_F_TENTATIVE, type Ipv6ConfName } from './inet6-conf.js';
export { Inet6Dev, Inet6Ifaddr } from './inet6-dev.js';
export { ipv6ConfDevices, ipv6ConfNames, ipv6GetConf, ipv6SetConf } from './inet6-sysctls.js';
export { ipv6Rcv } from './ip6-input.js';
export { ip6LocalOut, ip6Output, ip6PushHeader, ip6Xmit, ipv6AutoFlowLabel } from './ip6-output.js';
export {
  Ipv6Sysctl,
  ipv6Of,
  NetnsIpv6,
  RT6_TABLE_LOCAL,
  RT6_TABLE_MAIN,
  type Raw6Hook,
} from './ipv6-net.js';
export { ipv6ChkMcast, ipv6DevMcDec, ipv6DevMcInc, ipv6Groups } from './mcast6.js';
export { ndiscEntries, ndiscLookup, neigh6Msg } from './ndisc-cache.js';
export { registerInet6 } from './register.js';
export {
  inet6AddrRouteType,
  ip6DstHoplimit,
  ip6DstLookupFlow,
  ip6RouteInput,
  ip6RouteOutput,
  rt6NeedStrict,
  rt6Valid,
  Rt6Info,
} from './route6.js';
export { ip6RtUpdatePmtu, ip6UpdatePmtu } from './route6-exceptions.js';
export {
  inet6BindAddress,
  inet6Flow,
  inet6Getsockopt,
  inet6HopLimit,
  inet6ResetAddress,
  inet6Route,
  inet6SetPeer,
  inet6Setsockopt,
  inet6TakeSource,
  IPV6_PMTUDISC_DONT,
} from './inet6-sock.js';
export { Ping6Sock } from './ping6.js';
export { Raw6Sock, Raw6Table } from './raw6.js';
export { registerSockets6 } from './register-sockets6.js';
export { Udp6Sock, udpv6Protocol } from './udp6.js';
