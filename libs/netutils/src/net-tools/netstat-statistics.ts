/**
 * `netstat -s`: the kernel's SNMP counters in sentences. A counter without a sentence is shown by its name where it is
 * not zero, as net-tools does.
 */
import type { Sys } from '@netloom/sys';
import { readCounters } from '../proc-counters.js';

/** Counter → sentence with `%` for the number. A leading `!` shows zeroes too; `<` and `>` belong to the histograms. */
const SENTENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ip: {
    Forwarding: '!Forwarding: %',
    DefaultTTL: '',
    InReceives: '!% total packets received',
    InHdrErrors: '% with invalid headers',
    InAddrErrors: '% with invalid addresses',
    ForwDatagrams: '!% forwarded',
    InUnknownProtos: '% with unknown protocol',
    InDiscards: '!% incoming packets discarded',
    InDelivers: '!% incoming packets delivered',
    OutRequests: '!% requests sent out',
    OutDiscards: '% outgoing packets dropped',
    OutNoRoutes: '% dropped because of missing route',
    ReasmTimeout: '% fragments dropped after timeout',
    ReasmReqds: '% reassemblies required',
    ReasmOKs: '% packets reassembled ok',
    ReasmFails: '% packet reassemblies failed',
    FragOKs: '% fragments received ok',
    FragFails: '% fragments failed',
    FragCreates: '% fragments created',
  },
  Icmp: {
    InMsgs: '!% ICMP messages received',
    InErrors: '!% input ICMP message failed',
    InDestUnreachs: '<destination unreachable: %',
    InTimeExcds: '<timeout in transit: %',
    InParmProbs: '<wrong parameters: %',
    InSrcQuenchs: '<source quenches: %',
    InRedirects: '<redirects: %',
    InEchos: '<echo requests: %',
    InEchoReps: '<echo replies: %',
    InTimestamps: '<timestamp request: %',
    InTimestampReps: '<timestamp reply: %',
    InAddrMasks: '<address mask request: %',
    InAddrMaskReps: '<address mask replies: %',
    OutMsgs: '!% ICMP messages sent',
    OutErrors: '!% ICMP messages failed',
    OutDestUnreachs: '>destination unreachable: %',
    OutTimeExcds: '>time exceeded: %',
    OutParmProbs: '>wrong parameters: %',
    OutSrcQuenchs: '>source quench: %',
    OutRedirects: '>redirect: %',
    OutEchos: '>echo requests: %',
    OutEchoReps: '>echo replies: %',
    OutTimestamps: '>timestamp requests: %',
    OutTimestampReps: '>timestamp replies: %',
    OutAddrMasks: '>address mask requests: %',
    OutAddrMaskReps: '>address mask replies: %',
  },
  Tcp: {
    RtoAlgorithm: '',
    RtoMin: '',
    RtoMax: '',
    MaxConn: '',
    ActiveOpens: '!% active connection openings',
    PassiveOpens: '!% passive connection openings',
    AttemptFails: '!% failed connection attempts',
    EstabResets: '!% connection resets received',
    CurrEstab: '!% connections established',
    InSegs: '!% segments received',
    OutSegs: '!% segments sent out',
    RetransSegs: '!% segments retransmitted',
    InErrs: '!% bad segments received',
    OutRsts: '!% resets sent',
  },
  Udp: {
    InDatagrams: '!% packets received',
    NoPorts: '!% packets to unknown port received',
    InErrors: '!% packet receive errors',
    OutDatagrams: '!% packets sent',
    RcvbufErrors: '!% receive buffer errors',
    SndbufErrors: '!% send buffer errors',
  },
  TcpExt: {
    SyncookiesSent: '% SYN cookies sent',
    SyncookiesRecv: '% SYN cookies received',
    SyncookiesFailed: '% invalid SYN cookies received',
    EmbryonicRsts: '% resets received for embryonic SYN_RECV sockets',
    PruneCalled: '% packets pruned from receive queue because of socket buffer overrun',
    RcvPruned: '% packets pruned from receive queue',
    OfoPruned: '% packets dropped from out-of-order queue because of socket buffer overrun',
    OutOfWindowIcmps: '% ICMP packets dropped because they were out-of-window',
    LockDroppedIcmps: '% ICMP packets dropped because socket was locked',
    TW: '% TCP sockets finished time wait in fast timer',
    TWRecycled: '% time wait sockets recycled by time stamp',
    TWKilled: '% TCP sockets finished time wait in slow timer',
    PAWSPassive: '% passive connections rejected because of time stamp',
    PAWSActive: '% active connections rejected because of time stamp',
    PAWSEstab: '% packetes rejected in established connections because of timestamp',
    DelayedACKs: '% delayed acks sent',
    DelayedACKLocked: '% delayed acks further delayed because of locked socket',
    DelayedACKLost: 'Quick ack mode was activated % times',
    ListenOverflows: '% times the listen queue of a socket overflowed',
    ListenDrops: '% SYNs to LISTEN sockets dropped',
    TCPHPHits: '!% packet headers predicted',
    TCPPureAcks: '% acknowledgments not containing data payload received',
    TCPHPAcks: '% predicted acknowledgments',
    TCPRenoRecovery: '% times recovered from packet loss due to fast retransmit',
    TCPSackRecovery: '% times recovered from packet loss by selective acknowledgements',
    TCPSACKReneging: '% bad SACK blocks received',
    TCPFACKReorder: 'Detected reordering % times using FACK',
    TCPSACKReorder: 'Detected reordering % times using SACK',
    TCPTSReorder: 'Detected reordering % times using time stamp',
    TCPRenoReorder: 'Detected reordering % times using reno fast retransmit',
    TCPFullUndo: '% congestion windows fully recovered without slow start',
    TCPPartialUndo: '% congestion windows partially recovered using Hoe heuristic',
    TCPDSACKUndo: '% congestion window recovered without slow start using DSACK',
    TCPLossUndo: '% congestion windows recovered without slow start after partial ack',
    TCPLoss: '% TCP data loss events',
    TCPLostRetransmit: '% retransmits lost',
    TCPRenoFailures: '% timeouts after reno fast retransmit',
    TCPSackFailures: '% timeouts after SACK recovery',
    TCPLossFailures: '% timeouts in loss state',
    TCPFastRetrans: '% fast retransmits',
    TCPForwardRetrans: '% forward retransmits',
    TCPSlowStartRetrans: '% retransmits in slow start',
    TCPTimeouts: '% other TCP timeouts',
    TCPSackRecoveryFail: '% SACK retransmits failed',
    TCPRcvCollapsed: '% packets collapsed in receive queue due to low socket buffer',
    TCPDSACKOldSent: '% DSACKs sent for old packets',
    TCPDSACKOfoSent: '% DSACKs sent for out of order packets',
    TCPDSACKRecv: '% DSACKs received',
    TCPDSACKOfoRecv: '% DSACKs for out of order packets received',
    TCPAbortOnData: '% connections reset due to unexpected data',
    TCPAbortOnClose: '% connections reset due to early user close',
    TCPAbortOnMemory: '% connections aborted due to memory pressure',
    TCPAbortOnTimeout: '% connections aborted due to timeout',
    TCPAbortOnLinger: '% connections aborted after user close in linger timeout',
    TCPAbortFailed: '% times unable to send RST due to no memory',
    TCPMemoryPressures: 'TCP ran low on memory % times',
  },
};

/** The groups that a choice of protocols leaves out. */
const CHOICE: Readonly<Record<string, 'tcp' | 'udp' | 'raw'>> = {
  Ip: 'raw',
  Icmp: 'raw',
  Tcp: 'tcp',
  Udp: 'udp',
  TcpExt: 'tcp',
};

/** The whole text. */
export async function netstatStatistics(
  sys: Sys,
  only: { readonly tcp: boolean; readonly udp: boolean; readonly raw: boolean },
): Promise<string> {
  const any = only.tcp || only.udp || only.raw;
  const groups = [
    ...(await readCounters(sys, '/proc/net/snmp')),
    ...(await readCounters(sys, '/proc/net/netstat')),
  ];
  let text = '';
  let indent = '    ';
  for (const { name, counters } of groups) {
    const choice = Object.hasOwn(CHOICE, name) ? CHOICE[name] : undefined;
    if (any && choice !== undefined && !only[choice]) continue;
    const sentences = Object.hasOwn(SENTENCES, name) ? (SENTENCES[name] ?? {}) : {};
    // the histogram's indent lasts into the group after it
    if (name !== 'IcmpMsg') indent = '    ';
    text += `${name}:\n`;
    let histogram = '';
    for (const [counter, value] of counters) {
      const sentence = Object.hasOwn(sentences, counter) ? sentences[counter] : undefined;
      if (sentence === undefined) {
        if (value !== 0) text += `${indent}${counter}: ${value}\n`;
        continue;
      }
      if (sentence === '') continue;
      const mark = /^[!<>]/.test(sentence) ? (sentence[0] ?? '') : '';
      if (value === 0 && mark !== '!') continue;
      if (mark === '<' || mark === '>') {
        if (histogram !== mark)
          text += `    ICMP ${mark === '<' ? 'input' : 'output'} histogram:\n`;
        histogram = mark;
        indent = '        ';
      } else indent = '    ';
      text += indent + sentence.slice(mark.length).replace('%', String(value)) + '\n';
    }
  }
  return text;
}
