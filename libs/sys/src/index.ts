export type { Sys, SysFiles, SysIdentity, SysNet, SysProcess, SysTime } from './sys.js';
export {
  Signal, type Program, type ProgramSpec, type ProcessInfo, type SignalDisposition, type SpawnOptions, type WaitStatus,
} from './process.js';
export {
  OpenFlag, Poll, type DirEntry, type FileType, type PollFd, type SeekWhence, type Stat, type WindowSize,
} from './file.js';
export {
  AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_PACKET, AF_BRIDGE, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
  IPPROTO_IP, IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_RAW, Msg,
  type Control, type RecvResult, type SockAddr, type SockAddrIn, type SockAddrIn6, type SockAddrLl, type SockAddrUnix,
  type SockAddrUnspec, type SockDiagEntry, type SockExtendedErr, type SockOpt, type SockOptValue,
} from './socket.js';
export {
  Iff, Nud, type AddrMsg, type AddrNew, type IpAddr, type LinkAdd, type LinkInfoData, type LinkMsg, type LinkSet,
  type LinkStats, type NeighMsg, type NeighNew, type NetnsRef, type NextHop, type QdiscMsg, type RouteGet, type RouteMsg,
  type RouteNew, type Rtnl, type RtnlEvent, type RtnlGroup, type RtnlType, type RuleMsg,
} from './rtnetlink.js';
export { decodeText, encodeText, print, printErr, readAll, readLines, readTextFile } from './stdio.js';
