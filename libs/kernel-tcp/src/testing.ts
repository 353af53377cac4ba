/**
 * For specs: hosts with a TCP stack on a fake link, and a "drill" where one host talks to a script.
 *
 * Segments are told as text in packetdrill's manner: `S 0:0(0) win 64240 <mss 1460,sackOK,TS,nop,wscale 7>`, sequence
 * numbers relative to each side's first SYN. Nothing here is exported from the library.
 */
import { formatIpv4, parseIpv4 } from '@netloom/base';
import { Engine } from '@netloom/engine';
import {
  devAddrSet,
  devOpen,
  ethTypeTrans,
  Kernel,
  KernelModules,
  Mib,
  NetDevice,
  NETDEV_TX_OK,
  netifRx,
  registerNetdevice,
  SkbPool,
  skbOrphan,
  skbPush,
  skbPut,
  Tracepoints,
  type MibName,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { inetAddAddress, registerInet, writeIpHeader } from '@netloom/kernel-inet';
import { AF_INET, Iff, SOCK_STREAM, type SockAddr } from '@netloom/sys';
import {
  csumPartial,
  csumPseudo4,
  ETH_HLEN,
  ethWrite,
  IP_HLEN,
  ipHeaderSum,
  iphDaddr,
  iphProtocol,
  iphSaddr,
  iphTotLen,
  l4Dest,
  l4Source,
  PacketMemory,
  tcphAckSeq,
  tcphDoff,
  tcphFlags,
  tcphSeq,
  tcphWindow,
} from '@netloom/wire';
import { registerTcp } from './register.js';
import { TCP_STATE_NAMES } from './tcp-const.js';
import type { TcpStreamSock } from './tcp.js';

export const MS = 1_000_000;
export const SEC = 1_000_000_000;

export function addr(text: string, port: number): SockAddr {
  return { family: 'inet', addr: parseIpv4(text) ?? 0, port };
}

/** A segment as a spec looks at it. */
export interface Segment {
  readonly time: number;
  readonly from: string;
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly win: number;
  readonly len: number;
  readonly options: string;
  readonly text: string;
  /** Bits of the IP header: 0 not ECT, 1, 2 ECT, 3 CE. */
  readonly ecn: number;
  readonly rawSeq: number;
  readonly rawAck: number;
  readonly sport: number;
  readonly dport: number;
}

const FLAG_LETTERS = 'FSRP.UEW';

function optionText(m: PacketMemory, th: number, relative: (seq: number) => number): string {
  const out: string[] = [];
  const end = th + tcphDoff(m, th);
  for (let at = th + 20; at < end;) {
    const kind = m.u8[at] as number;
    if (kind <= 1) {
      out.push(kind === 0 ? 'eol' : 'nop');
      at++;
      continue;
    }
    const size = m.u8[at + 1] as number;
    if (kind === 2) out.push(`mss ${m.dv.getUint16(at + 2)}`);
    else if (kind === 3) out.push(`wscale ${m.u8[at + 2] as number}`);
    else if (kind === 4) out.push('sackOK');
    else if (kind === 8) out.push('TS');
    else if (kind === 34) {
      const cookie = m.bytes(at + 2, size - 2);
      out.push(`FO ${[...cookie].map((b) => b.toString(16).padStart(2, '0')).join('')}`.trim());
    } else if (kind === 5) {
      for (let b = at + 2; b < at + size; b += 8)
        out.push(`sack ${relative(m.dv.getUint32(b))}:${relative(m.dv.getUint32(b + 4))}`);
    }
    at += size;
  }
  return out.join(',');
}

/** What a link does with a frame: true drops it, a number delays it by so many ns more. */
export type LinkRule = (segment: Segment) => boolean | number;

interface Options {
  readonly seed?: number;
  readonly delayNs?: number;
  readonly mtu?: number;
  /** Bits a second of the link, 0 for no limit; frames that may wait. */
  readonly rate?: number;
  readonly limit?: number;
}

/** One or two hosts: `a` is 10.0.0.1, `b` is 10.0.0.2. */
export class Bench {
  readonly engine: Engine;
  readonly pool: SkbPool;
  readonly modules = new KernelModules();
  readonly log: Segment[] = [];
  readonly states: string[] = [];
  rule: LinkRule | null = null;
  readonly hosts = new Map<string, Kernel>();
  private readonly isn = new Map<string, number>();
  private readonly busy = new Map<string, number>();
  queueDrops = 0;

  constructor(
    names: readonly string[],
    readonly options: Options = {},
  ) {
    this.engine = new Engine({ seed: options.seed ?? 1 });
    this.pool = new SkbPool(new PacketMemory(48 * 1024 * 1024));
    registerInet(this.modules);
    registerTcp(this.modules);
    const trace = new Tracepoints();
    trace.inetSockSetState = (sk, from, to) => {
      this.states.push(
        `${sk.net.kernel.hostname} ${TCP_STATE_NAMES[from] ?? ''}>${TCP_STATE_NAMES[to] ?? ''}`,
      );
    };
    names.forEach((hostname, i) => {
      const kernel = new Kernel({
        engine: this.engine,
        pool: this.pool,
        modules: this.modules,
        trace,
        hostname,
        hostId: i + 1,
      });
      addLoopback(kernel.initNet);
      const dev = new NetDevice(kernel.initNet, 'eth0', this.deviceOps(hostname));
      dev.flags |= Iff.IFF_NOARP;
      dev.mtu = options.mtu ?? 1500;
      devAddrSet(dev, new Uint8Array([2, 0, 0, 0, 0, 1])); // one address for both: without ARP, frames go to the own one
      registerNetdevice(dev);
      devOpen(dev);
      inetAddAddress(kernel.initNet, {
        family: AF_INET,
        ifindex: dev.ifindex,
        local: parseIpv4(`10.0.0.${i + 1}`) ?? 0,
        prefixlen: 24,
      });
      this.hosts.set(hostname, kernel);
    });
  }

  kernel(name: string): Kernel {
    return this.hosts.get(name) as Kernel;
  }

  net(name: string): Net {
    return this.kernel(name).initNet;
  }

  socket(name: string): TcpStreamSock {
    return this.modules.createSock(this.net(name), AF_INET, SOCK_STREAM, 0) as TcpStreamSock;
  }

  mib(name: string, counter: MibName): number {
    return this.net(name).mib[Mib[counter]] as number;
  }

  sysctl(name: string, entry: string, value: string): void {
    this.modules.sysctls.find((s) => s.path === `net/${entry}`)?.write?.(this.net(name), value);
  }

  /** Lets virtual time pass. */
  run(ns: number): void {
    this.engine.advance(this.engine.now + ns);
  }

  /** Texts of the segments since `from`, each with its sender. */
  texts(from = 0): string[] {
    return this.log.slice(from).map((s) => `${s.from} ${s.text}`);
  }

  private relative(host: string, seq: number): number {
    return (seq - (this.isn.get(host) ?? 0)) >>> 0; // raw where the SYN was not seen
  }

  /** Takes a frame apart for the log. */
  describe(host: string, skb: SkBuff, at: number): Segment {
    const m = skb.mem;
    const ip = at + ETH_HLEN;
    const th = ip + IP_HLEN;
    const flagBits = tcphFlags(m, th);
    const flags = [...FLAG_LETTERS].filter((_, i) => (flagBits & (1 << i)) !== 0).join('');
    const key = `${formatIpv4(iphSaddr(m, ip))}:${l4Source(m, th)}-${l4Dest(m, th)}`;
    const peerKey = `${formatIpv4(iphDaddr(m, ip))}:${l4Dest(m, th)}-${l4Source(m, th)}`;
    const rawSeq = tcphSeq(m, th);
    if ((flagBits & 2) !== 0 && !this.isn.has(key)) this.isn.set(key, rawSeq);
    const seq = this.relative(key, rawSeq);
    const len = iphTotLen(m, ip) - IP_HLEN - tcphDoff(m, th);
    const ack = (flagBits & 0x10) !== 0 ? this.relative(peerKey, tcphAckSeq(m, th)) : 0;
    const options = optionText(m, th, (s) => this.relative(peerKey, s));
    const win = tcphWindow(m, th);
    const text = `${flags} ${seq}:${(seq + len) >>> 0}(${len})${(flagBits & 0x10) !== 0 ? ` ack ${ack}` : ''} win ${win}${options === '' ? '' : ` <${options}>`}`;
    return {
      time: this.engine.now,
      from: host,
      flags,
      seq,
      ack,
      win,
      len,
      options,
      text,
      ecn: (m.u8[ip + 1] as number) & 3,
      rawSeq,
      rawAck: tcphAckSeq(m, th),
      sport: l4Source(m, th),
      dport: l4Dest(m, th),
    };
  }

  private deviceOps(hostname: string): NetDeviceOps {
    return {
      driver: 'fake',
      startXmit: (skb) => {
        this.transmit(hostname, skb);
        return NETDEV_TX_OK;
      },
    };
  }

  private transmit(from: string, skb: SkBuff): void {
    const m = skb.mem;
    const ip = skb.data + ETH_HLEN;
    let extra = 0;
    if (iphProtocol(m, ip) === 6) {
      const length = skb.len - ETH_HLEN - IP_HLEN;
      const sum = csumPartial(
        m,
        ip + IP_HLEN,
        length,
        csumPseudo4(iphSaddr(m, ip), iphDaddr(m, ip), 6, length),
      );
      if (sum !== 0xffff || ipHeaderSum(m, ip, 5) !== 0xffff)
        throw new Error('bad checksum on the wire');
      const segment = this.describe(from, skb, skb.data);
      this.log.push(segment);
      const verdict = this.rule === null ? false : this.rule(segment);
      if (verdict === true) {
        skb.pool.release(skb);
        return;
      }
      extra = verdict === false ? 0 : verdict;
    }
    let start = this.engine.now;
    const { rate = 0, limit = 1000, delayNs = 0 } = this.options;
    if (rate > 0) {
      const each = Math.ceil((skb.len * 8 * 1e9) / rate);
      const busy = Math.max(this.busy.get(from) ?? 0, start);
      if (busy - start > limit * each) {
        this.queueDrops++;
        skb.pool.release(skb);
        return;
      }
      start = busy + each;
      this.busy.set(from, start);
    }
    skbOrphan(skb);
    const to = [...this.hosts.values()].find((kernel) => kernel.hostname !== from);
    if (to === undefined) {
      skb.pool.release(skb);
      return;
    }
    skb.dst = null;
    skb.dev = to.initNet.devByName('eth0') as NetDevice;
    this.engine.at(start + delayNs + extra, receive, skb);
  }

  /** Puts a segment on `host`'s wire as if its peer had sent it. Sequence numbers are raw. */
  inject(
    host: string,
    fields: {
      flags: string;
      seq: number;
      ack?: number;
      win?: number;
      len?: number;
      sport: number;
      dport: number;
      options?: Uint8Array;
      data?: Uint8Array;
      ecn?: number;
      urg?: number;
    },
  ): void {
    const options = fields.options ?? new Uint8Array(0);
    const data = fields.data ?? new Uint8Array(fields.len ?? 0).fill(0x61);
    const header = 20 + options.length;
    const skb = this.pool.alloc(header + data.length, 128);
    if (skb === null) throw new Error('no packet memory');
    const m = skb.mem;
    const th = skbPut(skb, header + data.length);
    const bits = [...fields.flags].reduce(
      (sum, letter) => sum | (1 << FLAG_LETTERS.indexOf(letter)),
      0,
    );
    m.dv.setUint16(th, fields.sport);
    m.dv.setUint16(th + 2, fields.dport);
    m.dv.setUint32(th + 4, fields.seq >>> 0);
    m.dv.setUint32(th + 8, (fields.ack ?? 0) >>> 0);
    m.dv.setUint16(th + 12, (header << 10) | bits);
    m.dv.setUint16(th + 14, fields.win ?? 65535);
    m.dv.setUint32(th + 16, fields.urg ?? 0);
    m.write(th + 20, options);
    m.write(th + header, data);
    const saddr = parseIpv4('10.0.0.2') ?? 0;
    const daddr = parseIpv4('10.0.0.1') ?? 0;
    m.dv.setUint16(
      th + 16,
      ~csumPartial(m, th, skb.len, csumPseudo4(saddr, daddr, 6, skb.len)) & 0xffff,
    );
    const ip = skbPush(skb, IP_HLEN);
    writeIpHeader(m, ip, skb.len, fields.ecn ?? 0, 0, 0x4000, 64, 6, saddr, daddr);
    const dev = this.net(host).devByName('eth0') as NetDevice;
    ethWrite(m, skbPush(skb, ETH_HLEN), dev.addrHi, dev.addrLo, 0x0200, 0x99, 0x0800);
    skb.dev = dev;
    this.engine.at(this.engine.now, receive, skb);
  }
}

/** Puts an ICMP error about a segment that `host` sent on its wire. */
export function injectIcmp(
  bench: Bench,
  host: string,
  about: Segment,
  type: number,
  code: number,
  info: number,
): void {
  const skb = bench.pool.alloc(36, 128);
  if (skb === null) throw new Error('no packet memory');
  const m = skb.mem;
  const o = skbPut(skb, 36);
  m.dv.setUint32(o, (type << 24) | (code << 16));
  m.dv.setUint32(o + 4, info);
  const local = parseIpv4('10.0.0.1') ?? 0;
  const peer = parseIpv4('10.0.0.2') ?? 0;
  const quoted = o + 8;
  writeIpHeader(m, quoted, 40 + about.len, 0, 1, 0x4000, 64, 6, local, peer);
  m.dv.setUint32(quoted + 20, (about.sport << 16) | about.dport);
  m.dv.setUint32(quoted + 24, about.rawSeq);
  m.dv.setUint16(o + 2, ~csumPartial(m, o, 36) & 0xffff);
  writeIpHeader(m, skbPush(skb, IP_HLEN), 56, 0, 2, 0, 64, 1, peer, local);
  const dev = bench.net(host).devByName('eth0') as NetDevice;
  ethWrite(m, skbPush(skb, ETH_HLEN), dev.addrHi, dev.addrLo, 0x0200, 0x99, 0x0800);
  skb.dev = dev;
  bench.engine.at(bench.engine.now, receive, skb);
  bench.run(0);
}

function receive(skb: SkBuff): void {
  skb.protocol = ethTypeTrans(skb, skb.dev as NetDevice);
  netifRx(skb);
}

function addLoopback(net: Net): void {
  const lo = new NetDevice(net, 'lo', {
    driver: 'loopback',
    startXmit: (skb, dev) => {
      skbOrphan(skb);
      skb.dst = null;
      skb.protocol = ethTypeTrans(skb, dev);
      netifRx(skb);
      return NETDEV_TX_OK;
    },
  });
  lo.type = 772;
  lo.flags = Iff.IFF_LOOPBACK;
  lo.mtu = 65536;
  net.loopback = lo;
  registerNetdevice(lo);
  devOpen(lo);
}

/** Reads everything that waits; undefined at the end of the stream. */
export function drain(sk: TcpStreamSock): Uint8Array[] | undefined {
  const out: Uint8Array[] = [];
  for (;;) {
    const result = sk.recvmsg(65536, 0);
    if (typeof result === 'number') return out;
    if (result.data.length === 0) return out.length > 0 ? out : undefined;
    out.push(result.data);
  }
}

/** A connected pair: client on `a`, server child on `b`, port 80. */
export function connectPair(bench: Bench): {
  client: TcpStreamSock;
  server: TcpStreamSock;
  listener: TcpStreamSock;
} {
  const listener = bench.socket('b');
  listener.bind(addr('0.0.0.0', 80));
  listener.listen(16);
  const client = bench.socket('a');
  client.connect(addr('10.0.0.2', 80));
  bench.run(2 * SEC);
  const server = listener.accept() as unknown as TcpStreamSock;
  return { client, server, listener };
}
