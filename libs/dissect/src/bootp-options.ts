/**
 * DHCP options (RFC 2132 and the registry after it).
 */
import { hex2, ip4Text } from './names.js';
import type { Printout } from './printout.js';
import { bytesText } from './text.js';

const PAD = 0;
const MESSAGE_TYPE = 53;
const PARAMETER_REQUEST = 55;
const CLIENT_ID = 61;
const END = 255;

/**
 * First letter: how the value is written. i addresses, p pairs of addresses, l words, L signed words,
 * s half words, b bytes with dots, x bytes with colons, a text, B truth values, $ in its own way.
 */
const OPTIONS: Readonly<Record<number, string>> = {
  0: ' PAD',
  1: 'iSubnet-Mask',
  2: 'LTime-Zone',
  3: 'iDefault-Gateway',
  4: 'iTime-Server',
  5: 'iIEN-Name-Server',
  6: 'iDomain-Name-Server',
  7: 'iLOG',
  8: 'iCS',
  9: 'iLPR-Server',
  10: 'iIM',
  11: 'iRL',
  12: 'aHostname',
  13: 'sBS',
  14: 'aDP',
  15: 'aDomain-Name',
  16: 'iSS',
  17: 'aRP',
  18: 'aEP',
  19: 'BIPF',
  20: 'BSRT',
  21: 'pPF',
  22: 'sRSZ',
  23: 'bTTL',
  24: 'lMTU-Timeout',
  25: 'sMTU-Table',
  26: 'sMTU',
  27: 'BLSN',
  28: 'iBR',
  29: 'BMD',
  30: 'BMS',
  31: 'BRouter-Discovery',
  32: 'iRSA',
  33: 'pStatic-Route',
  34: 'BUT',
  35: 'lAT',
  36: 'BIE',
  37: 'bTT',
  38: 'lKI',
  39: 'BKG',
  40: 'aYD',
  41: 'iYS',
  42: 'iNTP',
  43: 'bVendor-Option',
  44: 'iNetbios-Name-Server',
  45: 'iWDD',
  46: '$Netbios-Node',
  47: 'aNetbios-Scope',
  48: 'iXFS',
  49: 'iXDM',
  50: 'iRequested-IP',
  51: 'lLease-Time',
  52: '$OO',
  53: ' DHCP-Message',
  54: 'iServer-ID',
  55: 'bParameter-Request',
  56: 'aMSG',
  57: 'sMSZ',
  58: 'lRN',
  59: 'lRB',
  60: 'aVendor-Class',
  61: '$Client-ID',
  64: 'sN+D',
  65: 'iN+S',
  66: 'aTFTP',
  67: 'aBF',
  68: 'iMH',
  69: 'iSMTP',
  70: 'iPOP3',
  71: 'iNNTP',
  72: 'iWWW',
  73: 'iFG',
  74: 'iIRC',
  75: 'iSTS',
  76: 'iSTDA',
  77: '$User-Class',
  78: 'bSLP-DA',
  79: 'bSLP-SCOPE',
  80: 'aSLP-NA',
  81: '$FQDN',
  82: '$Agent-Information',
  83: 'bARMT',
  84: 'bAMSK',
  88: 'aTZSTR',
  89: 'bFQDNS',
  90: 'bAUTH',
  91: 'iVINES',
  92: 'sRANK',
  93: 'sARCH',
  94: 'bNDI',
  95: 'aLDAP',
  96: 'i6o4',
  97: 'bGUID',
  98: 'aUAP',
  100: 'aPOSIX-TZ',
  101: 'aTZ-Name',
  110: 'bIPX',
  112: 'iNI',
  113: 'aNITAG',
  114: 'aURL',
  115: 'bFAIL',
  116: 'BNOAUTO',
  117: 'sNSSEARCH',
  118: 'iSUBNET',
  121: '$Classless-Static-Route',
  150: 'iTFTP-Server-Address',
  161: 'aMUD-URL',
  249: '$Classless-Static-Route-Microsoft',
  255: ' END',
};

const MESSAGES = [
  '',
  'Discover',
  'Offer',
  'Request',
  'Decline',
  'ACK',
  'NACK',
  'Release',
  'Inform',
];

/** From the magic cookie on. */
export function putDhcpOptions(out: Printout, start: number): void {
  out.put('\n\t  Vendor-rfc1048 Extensions');
  out.put(`\n\t    Magic Cookie 0x${out.u32(start).toString(16).padStart(8, '0')}`);
  const wordy = out.options.verbose > 2;
  let p = start + 4;
  while (out.has(p, 1)) {
    const tag = out.u8(p);
    p++;
    if (tag === PAD && !wordy) continue;
    if (tag === END && !wordy) return;
    const entry = OPTIONS[tag] ?? '?Unknown';
    let size = 0;
    if (tag !== PAD && tag !== END) {
      size = out.u8(p);
      p++;
    }
    out.put(`\n\t    ${entry.slice(1)} (${tag}), length ${size}${size > 0 ? ': ' : ''}`);
    if (tag === PAD && wordy) {
      let count = 1;
      while (out.has(p, 1) && out.u8(p) === PAD) {
        p++;
        count++;
      }
      if (count > 1) out.put(`, occurs ${count}`);
    }
    if (!out.has(p, size)) {
      out.putTruncated();
      return;
    }
    putValue(out, p, tag, entry.charAt(0), size);
    p += size;
  }
}

function putValue(out: Printout, p: number, tag: number, letter: string, size: number): void {
  if (tag === MESSAGE_TYPE && size === 1) {
    const type = out.u8(p);
    out.put((type > 0 ? MESSAGES[type] : undefined) ?? `Unknown (${type})`);
    return;
  }
  if (tag === PARAMETER_REQUEST) {
    for (let i = 0; i < size; i++) {
      const wanted = out.u8(p + i);
      const name = OPTIONS[wanted]?.slice(1) ?? 'Unknown';
      out.put(`${i % 4 === 0 ? '\n\t      ' : ', '}${name} (${wanted})`);
    }
    return;
  }
  let how = letter;
  if (how === '?') how = size % 2 === 1 ? 'b' : size % 4 === 2 ? 's' : 'l';
  const used = how === '$' ? putSpecial(out, p, tag, size) : putPlain(out, p, how, size);
  // Elements have one size: what is left over belongs to none.
  if (used < size) out.put(`\n\t  trailing data length ${size - used}`);
}

function list(size: number, step: number, text: (i: number) => string, separator = ','): string {
  const parts: string[] = [];
  for (let i = 0; i + step <= size; i += step) parts.push(text(i));
  return parts.join(separator);
}

/** Returns how many bytes were printed. */
function putPlain(out: Printout, p: number, how: string, size: number): number {
  switch (how) {
    case 'a':
      out.put(`"${bytesText(out, p, size)}"`);
      return size;
    case 'i':
      out.put(list(size, 4, (i) => ip4Text(out, p + i)));
      return size - (size % 4);
    case 'l':
      out.put(list(size, 4, (i) => String(out.u32(p + i))));
      return size - (size % 4);
    case 'L':
      out.put(list(size, 4, (i) => String(out.u32(p + i) | 0)));
      return size - (size % 4);
    case 'p':
      out.put(list(size, 8, (i) => `(${ip4Text(out, p + i)}:${ip4Text(out, p + i + 4)})`));
      return size - (size % 8);
    case 's':
      out.put(list(size, 2, (i) => String(out.u16(p + i))));
      return size - (size % 2);
    case 'B':
      out.put(list(size, 1, (i) => truth(out.u8(p + i))));
      return size;
    case 'x':
      out.put(list(size, 1, (i) => hex2(out.u8(p + i)), ':'));
      return size;
    default:
      out.put(list(size, 1, (i) => String(out.u8(p + i)), '.'));
      return size;
  }
}

function truth(value: number): string {
  if (value === 0) return 'N';
  return value === 1 ? 'Y' : `${value}?`;
}

const HARDWARE: Readonly<Record<number, string>> = {
  1: 'ether',
  6: 'ieee802',
  7: 'arcnet',
  15: 'frelay',
  23: 'strip',
  24: 'ieee1394',
};

/** Values with a structure of their own; returns how many bytes were printed. */
function putSpecial(out: Printout, p: number, tag: number, size: number): number {
  switch (tag) {
    case 46: {
      const value = out.u8(p);
      out.put({ 1: 'b-node', 2: 'p-node', 4: 'm-node', 8: 'h-node' }[value] ?? `#${value}`);
      return 1;
    }
    case 52: {
      const value = out.u8(p);
      out.put({ 1: 'file', 2: 'sname', 3: 'file+sname' }[value] ?? `#${value}`);
      return 1;
    }
    case CLIENT_ID:
      putClientId(out, p, size);
      return size;
    case 77:
      putUserClasses(out, p, size);
      return size;
    case 81:
      putFqdn(out, p, size);
      return size;
    case 82:
      return putAgentInformation(out, p, size);
    default:
      return putRoutes(out, p, size);
  }
}

function putClientId(out: Printout, p: number, size: number): void {
  if (size < 1) {
    out.put('[ERROR: length < 1 bytes]');
    return;
  }
  const type = out.u8(p);
  if (type === 0) {
    out.put(`"${bytesText(out, p + 1, size - 1)}"`);
    return;
  }
  const bytes = list(size - 1, 1, (i) => hex2(out.u8(p + 1 + i)), ':');
  const name = HARDWARE[type];
  out.put(name === undefined ? `hardware-type ${type},` : name);
  if (size > 1) out.put(` ${bytes}`);
}

/** Client FQDN (RFC 4702): flags, two result codes, the name. */
function putFqdn(out: Printout, p: number, size: number): void {
  if (size < 3) {
    out.put('[ERROR: length < 3 bytes]');
    return;
  }
  const flags = out.u8(p);
  if (flags !== 0) {
    out.put(`[${['S', 'O', 'E', 'N'].filter((_, i) => (flags & (1 << i)) !== 0).join('')}] `);
  }
  if (out.u8(p + 1) !== 0 || out.u8(p + 2) !== 0) {
    out.put(`${out.u8(p + 1)}/${out.u8(p + 2)} `);
  }
  out.put(`"${bytesText(out, p + 3, size - 3)}"`);
}

/** User classes (RFC 3004): counted texts. */
function putUserClasses(out: Printout, p: number, size: number): void {
  let at = 0;
  let instance = 1;
  if (size < 1) {
    out.put('[ERROR: length < 1 bytes]');
    return;
  }
  while (at < size) {
    const length = out.u8(p + at);
    at++;
    out.put(`\n\t      instance#${instance}: `);
    if (length === 0) {
      out.put('[ERROR: invalid option]');
      return;
    }
    if (at + length > size) {
      out.put('[ERROR: invalid option]');
      return;
    }
    out.put(`"${bytesText(out, p + at, length)}", length ${length}`);
    at += length;
    instance++;
  }
}

const AGENT_NAMES = ['', 'Circuit-ID', 'Remote-ID', '', '', '', 'Subscriber-ID'];

/** Relay agent information (RFC 3046): its own options. */
function putAgentInformation(out: Printout, p: number, size: number): number {
  let at = 0;
  if (size < 2) {
    out.put('[ERROR: length < 2 bytes]');
    return size;
  }
  while (size - at >= 2) {
    const type = out.u8(p + at);
    const length = out.u8(p + at + 1);
    at += 2;
    if (length > size - at) return size;
    const name = AGENT_NAMES[type] ?? '';
    out.put(`\n\t      ${name === '' ? 'Unknown' : name} SubOption ${type}, length ${length}: `);
    if (name === '') out.putHex(p + at, length, '\n\t\t');
    else out.put(bytesText(out, p + at, length));
    at += length;
  }
  return at;
}

/** Classless static routes (RFC 3442): prefix length, its significant bytes, router. */
function putRoutes(out: Printout, p: number, size: number): number {
  if (size < 5) {
    out.put('[ERROR: length < 5 bytes]');
    return size;
  }
  let at = 0;
  let separator = '';
  while (at < size) {
    const width = out.u8(p + at);
    at++;
    out.put(separator);
    separator = ',';
    if (width > 32) {
      out.put(`[ERROR: Mask width (${width}) > 32]`);
      return size;
    }
    const significant = (width + 7) >> 3;
    if (at + significant + 4 > size) return size;
    if (width === 0) out.put('(default');
    else {
      const bytes = [0, 1, 2, 3].map((i) => (i < significant ? out.u8(p + at + i) : 0));
      out.put(`(${bytes.join('.')}/${width}`);
    }
    out.put(`:${ip4Text(out, p + at + significant)})`);
    at += significant + 4;
  }
  return at;
}
