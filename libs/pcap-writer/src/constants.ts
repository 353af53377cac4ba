/**
 * Numbers of the capture file formats: block types, option codes, link-layer types.
 *
 * Used by both writers and by the reader. Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng,
 * tcpdump.org "link-layer header types".
 */

/** Link-layer header types (LINKTYPE_ values, as they stand in files). */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_LINUX_SLL2 = 276;

/** pcap magic numbers, in the byte order of the file's writer. */
export const PCAP_MAGIC_US = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;

export const BLOCK_SHB = 0x0a0d0d0a;
export const BLOCK_IDB = 1;
export const BLOCK_PACKET = 2; // obsolete Packet Block, read only
export const BLOCK_SPB = 3;
export const BLOCK_NRB = 4;
export const BLOCK_ISB = 5;
export const BLOCK_EPB = 6;
export const BLOCK_CUSTOM = 0x0bad;
export const BLOCK_CUSTOM_NO_COPY = 0x40000bad;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OPT_END = 0;
export const OPT_COMMENT = 1;
export const SHB_HARDWARE = 2;
export const SHB_OS = 3;
export const SHB_USERAPPL = 4;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_IPV4ADDR = 4;
export const IF_IPV6ADDR = 5;
export const IF_MACADDR = 6;
export const IF_SPEED = 8;
export const IF_TSRESOL = 9;
export const IF_FILTER = 11;
export const IF_OS = 12;
export const IF_TSOFFSET = 14;
export const EPB_FLAGS = 2;
export const EPB_DROPCOUNT = 4;
export const EPB_PACKETID = 5;
export const EPB_QUEUE = 6;
export const EPB_VERDICT = 7;
export const NRES_ENDOFRECORD = 0;
export const NRES_IP4RECORD = 1;
export const NRES_IP6RECORD = 2;
export const ISB_STARTTIME = 2;
export const ISB_ENDTIME = 3;
export const ISB_IFRECV = 4;
export const ISB_IFDROP = 5;
export const ISB_FILTERACCEPT = 6;
export const ISB_OSDROP = 7;
export const ISB_USRDELIV = 8;

/** epb_flags: direction in bits 0–1, reception type in bits 2–4. */
export const EPB_FLAG_INBOUND = 1;
export const EPB_FLAG_OUTBOUND = 2;
export const EPB_FLAG_UNICAST = 1 << 2;
export const EPB_FLAG_MULTICAST = 2 << 2;
export const EPB_FLAG_BROADCAST = 3 << 2;
export const EPB_FLAG_PROMISC = 4 << 2;

/** First byte of epb_verdict: who gave the verdict. */
export const VERDICT_HARDWARE = 0;
export const VERDICT_LINUX_TC = 1;
export const VERDICT_LINUX_XDP = 2;

/** tcpdump's default snapshot length, bytes. */
export const DEFAULT_SNAPLEN = 262144;
/** Longest packet the classic reader believes when the file states no smaller limit, bytes. */
export const MAXIMUM_SNAPLEN = 262144;
/** Longest pcapng block the reader accepts, bytes. */
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
