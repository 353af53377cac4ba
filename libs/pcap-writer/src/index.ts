export {
  LINKTYPE_NULL,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  LINKTYPE_LOOP,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL2,
  PCAP_MAGIC_US,
  PCAP_MAGIC_NS,
  EPB_FLAG_INBOUND,
  EPB_FLAG_OUTBOUND,
  EPB_FLAG_UNICAST,
  EPB_FLAG_MULTICAST,
  EPB_FLAG_BROADCAST,
  EPB_FLAG_PROMISC,
  VERDICT_HARDWARE,
  VERDICT_LINUX_TC,
  VERDICT_LINUX_XDP,
  DEFAULT_SNAPLEN,
} from './constants.js';
export { PcapNgWriter } from './pcapng-writer.js';
export type {
  SectionInfo,
  InterfaceInfo,
  PacketVerdict,
  PacketOptions,
  NameRecord,
  InterfaceStatistics,
  PcapNgOptions,
} from './pcapng-writer.js';
export { PcapWriter } from './pcap-writer.js';
export type { PcapOptions } from './pcap-writer.js';
export type { ChunkSink, ChunkOptions } from './chunk-buffer.js';
export { CaptureReader } from './capture-reader.js';
export { CaptureFormatError } from './capture-types.js';
export type {
  CapturedPacket,
  CaptureInterface,
  CaptureSection,
  CaptureStatistics,
  CaptureName,
} from './capture-types.js';
