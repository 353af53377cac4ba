/**
 * For specs: one host and a script that plays its peer, in packetdrill's manner. Lines are
 * `[ect0|ect1|ce] FLAGS seq:end(len) [ack N] [win N] [urg N] [<options>]` with numbers relative to the first SYN of each side.
 */
import { addr, Bench, type Segment } from './testing.js';
import type { TcpStreamSock } from './tcp.js';

const ECN = ['noecn', 'ect1', 'ect0', 'ce'];
const LINE =
  /^(?:\[(noecn|ect1|ect0|ce)\] )?([FSRPUEW.]+) (\d+):(\d+)\((\d+)\)(?: ack (\d+))?(?: win (\d+))?(?: urg (\d+))?(?: <(.*)>)?$/;
/** The peer's initial sequence number, close to where numbers wrap. */
const PEER_ISN = 0xffffff00;

function optionBytes(text: string, seq: (n: number) => number): Uint8Array {
  const out: number[] = [];
  const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  for (const option of text.split(',')) {
    const [name, a = '', b = ''] = option.trim().split(/[ :]/);
    if (name === 'nop') out.push(1);
    else if (name === 'mss') out.push(2, 4, Number(a) >> 8, Number(a) & 255);
    else if (name === 'wscale') out.push(3, 3, Number(a));
    else if (name === 'sackOK') out.push(4, 2);
    else if (name === 'FO')
      out.push(34, 2 + a.length / 2, ...(a.match(/../g) ?? []).map((h) => parseInt(h, 16)));
    else if (name === 'md5') out.push(19, 18, ...new Array<number>(16).fill(7));
    else if (name === 'TS') out.push(8, 10, ...u32(Number(a)), ...u32(Number(b)));
    else if (name === 'sack') {
      const blocks = text.split(',').filter((o) => o.trim().startsWith('sack '));
      if (option === blocks[0]) out.push(5, 2 + 8 * blocks.length);
      out.push(...u32(seq(Number(a))), ...u32(seq(Number(b))));
    }
  }
  while (out.length % 4 !== 0) out.push(1);
  return Uint8Array.from(out);
}

export class Drill {
  readonly bench: Bench;
  readonly sk: TcpStreamSock;
  private seen = 0;
  private localIsn = 0;
  private port = 0;
  private readonly peerPort: number;

  /** `listen`: the host waits on port 80; else it connects to the peer's port 80. */
  constructor(
    readonly role: 'listen' | 'connect',
    sysctls: Readonly<Record<string, string>> = {},
  ) {
    this.bench = new Bench(['a']);
    for (const [name, value] of Object.entries(sysctls))
      this.bench.sysctl('a', `ipv4/${name}`, value);
    this.sk = this.bench.socket('a');
    if (role === 'listen') {
      this.port = 80;
      this.peerPort = 5555;
      this.sk.bind(addr('0.0.0.0', 80));
      this.sk.listen(8);
    } else {
      this.peerPort = 80;
      this.sk.connect(addr('10.0.0.2', 80));
      this.bench.run(0);
    }
  }

  /** The peer sends. */
  in(...lines: readonly string[]): this {
    for (const line of lines) {
      const match = LINE.exec(line);
      if (match === null) throw new Error(`not a segment: ${line}`);
      const [, ecn = 'noecn', flags = '', seq = '0', , len = '0', ack, win, urg, options] = match;
      this.noteLocal();
      this.bench.inject('a', {
        flags,
        ecn: ECN.indexOf(ecn),
        seq: PEER_ISN + Number(seq),
        len: Number(len),
        win: Number(win ?? 65535),
        urg: Number(urg ?? 0),
        sport: this.peerPort,
        dport: this.port,
        ...(ack !== undefined ? { ack: this.localIsn + Number(ack) } : {}),
        ...(options !== undefined
          ? { options: optionBytes(options, (n) => this.localIsn + n) }
          : {}),
      });
      this.bench.run(0);
    }
    return this;
  }

  private noteLocal(): void {
    const first = this.bench.log.find((s) => s.flags.includes('S'));
    if (first === undefined) return;
    this.localIsn = first.rawSeq;
    this.port = first.sport;
  }

  /** What the host has sent since the last look, without windows and with `TS` shortened. */
  out(): string[] {
    const fresh = this.bench.log.slice(this.seen);
    this.seen = this.bench.log.length;
    this.noteLocal();
    return fresh.map((s) => this.line(s));
  }

  private line(s: Segment): string {
    const seq = (s.rawSeq - this.localIsn) >>> 0;
    const base = s.flags.includes('R') && !s.flags.includes('.') ? 0 : (s.rawAck - PEER_ISN) >>> 0;
    const options = s.options.replace(
      /sack (\d+):(\d+)/g,
      (_, a: string, b: string) =>
        `sack ${this.peerRelative(Number(a))}:${this.peerRelative(Number(b))}`,
    );
    return `${s.ecn !== 0 ? `[${ECN[s.ecn] ?? ''}] ` : ''}${s.flags} ${seq}:${(seq + s.len) >>> 0}(${s.len})${s.flags.includes('.') ? ` ack ${base}` : ''}${options === '' ? '' : ` <${options}>`}`;
  }

  /** The bench never saw the peer's SYN: its SACK numbers are raw less nothing. */
  private peerRelative(seq: number): number {
    return (seq - PEER_ISN) >>> 0;
  }

  run(ms: number): this {
    this.bench.run(ms * 1e6);
    return this;
  }

  /** The accepted connection. */
  accept(): TcpStreamSock {
    return this.sk.accept() as unknown as TcpStreamSock;
  }

  /** A connection with SACK, a window scale of 0 and a round trip of 20 ms, without timestamps; the host has accepted it. */
  static established(
    window = 65535,
    sysctls: Readonly<Record<string, string>> = {},
  ): { drill: Drill; sk: TcpStreamSock } {
    const drill = new Drill('listen', sysctls);
    drill.in(`S 0:0(0) win ${window} <mss 1000,sackOK,nop,nop,nop,wscale 0>`).run(20);
    drill.in(`. 1:1(0) ack 1 win ${window}`);
    drill.out();
    return { drill, sk: drill.accept() };
  }
}
