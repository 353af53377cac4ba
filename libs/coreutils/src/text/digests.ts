/** md5sum, sha1sum, sha*sum, b2sum, cksum, sum: checksums of files and their verification. */
import { blake2b } from '@noble/hashes/blake2.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { KernelError } from '@netloom/base';
import type { ProgramSpec } from '@netloom/sys';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';

interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

interface Algorithm {
  readonly tag: string;
  readonly create: () => Hasher;
}

const algorithms: Readonly<Record<string, Algorithm>> = {
  md5: { tag: 'MD5', create: () => md5.create() },
  sha1: { tag: 'SHA1', create: () => sha1.create() },
  sha224: { tag: 'SHA224', create: () => sha224.create() },
  sha256: { tag: 'SHA256', create: () => sha256.create() },
  sha384: { tag: 'SHA384', create: () => sha384.create() },
  sha512: { tag: 'SHA512', create: () => sha512.create() },
  blake2b: { tag: 'BLAKE2b', create: () => blake2b.create({ dkLen: 64 }) },
};

async function hashOf(t: Tool, file: string, algorithm: Algorithm): Promise<string> {
  const fd = file === '-' ? 0 : t.open(file);
  const hasher = algorithm.create();
  await t.flush();
  for (;;) {
    const bytes = await t.sys.read(fd, 65536);
    if (bytes.length === 0) break;
    hasher.update(bytes);
  }
  if (fd !== 0) t.sys.close(fd);
  return [...hasher.digest()].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface Report {
  readonly quiet: boolean;
  readonly status: boolean;
  readonly strict: boolean;
  readonly warn: boolean;
  readonly ignoreMissing: boolean;
}

/** -c: verifies the lines of a checksum file. */
async function verify(t: Tool, list: string, algorithm: Algorithm, report: Report): Promise<void> {
  const shown = list === '-' ? "'standard input'" : quoteName(list, true);
  let text: string;
  try {
    text = await t.input(list === '-' ? 0 : t.open(list)).rest();
  } catch (error) {
    t.warnErrno(shown, error);
    return;
  }
  const hexLength = algorithm.create().digest().length * 2;
  let [checked, bad, unreadable, malformed, number] = [0, 0, 0, 0, 0];
  for (const line of text.split('\n')) {
    number++;
    if (line === '' || line.startsWith('#')) continue;
    const plain = new RegExp(`^\\s*\\\\?([0-9a-fA-F]{${hexLength}}) [ *]([^]+)$`).exec(line);
    const tagged = new RegExp(`^${algorithm.tag} \\(([^]+)\\) = ([0-9a-fA-F]{${hexLength}})$`).exec(
      line,
    );
    const expected = (plain?.[1] ?? tagged?.[2])?.toLowerCase();
    const file = plain?.[2] ?? tagged?.[1];
    if (expected === undefined || file === undefined) {
      malformed++;
      if (report.warn)
        t.put(
          `${t.name}: ${shown}: ${number}: improperly formatted ${algorithm.tag} checksum line\n`,
          2,
        );
      continue;
    }
    checked++;
    try {
      const same = (await hashOf(t, file, algorithm)) === expected;
      if (!same) bad++;
      if (!report.status && (!same || !report.quiet)) t.put(`${file}: ${same ? 'OK' : 'FAILED'}\n`);
    } catch (error) {
      if (report.ignoreMissing && error instanceof KernelError && error.code === 'ENOENT') continue;
      t.warnErrno(quoteName(file, true), error);
      unreadable++;
      if (!report.status) t.put(`${file}: FAILED open or read\n`);
    }
  }
  if (checked === 0) {
    t.warn(`${shown}: no properly formatted checksum lines found`);
    return;
  }
  const plural = (count: number, one: string, many: string): string =>
    `${count} ${count === 1 ? one : many}`;
  const warn = (text_: string): void => {
    if (!report.status) t.put(`${t.name}: WARNING: ${text_}\n`, 2);
  };
  if (malformed > 0)
    warn(plural(malformed, 'line is improperly formatted', 'lines are improperly formatted'));
  if (unreadable > 0)
    warn(plural(unreadable, 'listed file could not be read', 'listed files could not be read'));
  if (bad > 0)
    warn(plural(bad, 'computed checksum did NOT match', 'computed checksums did NOT match'));
  if (bad > 0 || unreadable > 0 || (report.strict && malformed > 0)) t.status = 1;
}

const digestOptions = {
  short: 'bctwz',
  long: {
    binary: 'b',
    check: 'c',
    tag: '--tag',
    text: 't',
    zero: 'z',
    'ignore-missing': '--ignore-missing',
    quiet: '--quiet',
    status: '--status',
    strict: '--strict',
    warn: 'w',
  },
} as const;

function digest(name: string, key: string): ProgramSpec {
  const algorithm = algorithms[key] as Algorithm;
  return defineTool(
    {
      name,
      usage: '[OPTION]... [FILE]...',
      about: `Print or check ${algorithm.tag} checksums.`,
      ...digestOptions,
      ...(key === 'blake2b' ? { short: 'bctwzl:' } : {}),
    },
    async (t, { options, operands }) => {
      const keys = new Set(options.map((option) => option.key));
      const files = operands.length === 0 ? ['-'] : operands;
      if (keys.has('c')) {
        const report = {
          quiet: keys.has('--quiet'),
          status: keys.has('--status'),
          strict: keys.has('--strict'),
          warn: keys.has('w'),
          ignoreMissing: keys.has('--ignore-missing'),
        };
        for (const file of files) await verify(t, file, algorithm, report);
        return t.status;
      }
      for (const file of files)
        await printDigest(t, file, algorithm, keys.has('--tag'), keys.has('b'), keys.has('z'));
      return t.status;
    },
  );
}

async function printDigest(
  t: Tool,
  file: string,
  algorithm: Algorithm,
  tag: boolean,
  binary: boolean,
  zero: boolean,
): Promise<void> {
  try {
    const sum = await hashOf(t, file, algorithm);
    const escaped = !zero && /[\\\n\r]/.test(file);
    const name = escaped
      ? file.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\r/g, '\\r')
      : file;
    const mark = escaped ? '\\' : '';
    t.put(
      tag
        ? `${mark}${algorithm.tag} (${name}) = ${sum}`
        : `${mark}${sum} ${binary ? '*' : ' '}${name}`,
    );
    t.put(zero ? '\0' : '\n');
  } catch (error) {
    t.warnErrno(quoteName(file, true), error);
  }
}

let crcTable: Uint32Array | undefined;

/** The CRC of POSIX cksum: polynomial 0x04c11db7, length appended, complemented. */
function posixCrc(text: string): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    return crc >>> 0;
  });
  let crc = 0;
  const feed = (byte: number): void => {
    crc = ((crc << 8) ^ (crcTable?.[((crc >>> 24) ^ byte) & 255] ?? 0)) >>> 0;
  };
  for (let at = 0; at < text.length; at++) feed(text.charCodeAt(at));
  for (let length = text.length; length > 0; length = Math.floor(length / 256)) feed(length & 255);
  return ~crc >>> 0;
}

const cksum = defineTool(
  {
    name: 'cksum',
    usage: '[OPTION]... [FILE]...',
    about: 'Print or verify checksums.',
    short: 'a:bctwzl:',
    long: {
      ...digestOptions.long,
      algorithm: 'a:',
      untagged: '--untagged',
      length: 'l:',
      debug: '--debug',
    },
  },
  async (t, { options, operands }) => {
    const name = options.filter(({ key }) => key === 'a').pop()?.value ?? 'crc';
    const keys = new Set(options.map((option) => option.key));
    const files = operands.length === 0 ? ['-'] : operands;
    const algorithm = algorithms[name];
    if (algorithm !== undefined) {
      const report = {
        quiet: keys.has('--quiet'),
        status: keys.has('--status'),
        strict: keys.has('--strict'),
        warn: keys.has('w'),
        ignoreMissing: keys.has('--ignore-missing'),
      };
      for (const file of files)
        await (keys.has('c')
          ? verify(t, file, algorithm, report)
          : printDigest(t, file, algorithm, !keys.has('--untagged'), false, keys.has('z')));
      return t.status;
    }
    if (name !== 'crc' && name !== 'bsd' && name !== 'sysv')
      return t.usage(`invalid argument ${quoteAlways(name)} for '--algorithm'`);
    for (const file of files) {
      try {
        const text = await t.input(file === '-' ? 0 : t.open(file)).rest();
        const suffix = operands.length === 0 ? '' : ` ${file}`;
        t.put(
          `${name === 'crc' ? `${posixCrc(text)} ${text.length}` : oldSum(text, name === 'sysv')}${suffix}\n`,
        );
      } catch (error) {
        t.warn(`${quoteName(file, true)}: ${errnoText(error)}`);
      }
    }
    return t.status;
  },
);

function oldSum(text: string, sysv: boolean): string {
  let sum = 0;
  for (let at = 0; at < text.length; at++) {
    sum = sysv
      ? sum + text.charCodeAt(at)
      : ((sum >> 1) + ((sum & 1) << 15) + text.charCodeAt(at)) & 0xffff;
  }
  if (!sysv)
    return `${String(sum).padStart(5, '0')} ${String(Math.ceil(text.length / 1024)).padStart(5)}`;
  const folded = (sum & 0xffff) + Math.floor((sum % 0x100000000) / 0x10000);
  return `${(folded & 0xffff) + (folded >> 16)} ${Math.ceil(text.length / 512)}`;
}

const sum = defineTool(
  {
    name: 'sum',
    usage: '[OPTION]... [FILE]...',
    about: 'Print checksum and block counts for each FILE.',
    short: 'rs',
    long: { sysv: 's' },
  },
  async (t, { options, operands }) => {
    const sysv = options.filter(({ key }) => key === 'r' || key === 's').pop()?.key === 's';
    await t.eachInput(operands, async (input, file) => {
      t.put(`${oldSum(await input.rest(), sysv)}${operands.length === 0 ? '' : ` ${file}`}\n`);
    });
    return t.status;
  },
);

export const digestPrograms: readonly ProgramSpec[] = [
  digest('md5sum', 'md5'),
  digest('sha1sum', 'sha1'),
  digest('sha224sum', 'sha224'),
  digest('sha256sum', 'sha256'),
  digest('sha384sum', 'sha384'),
  digest('sha512sum', 'sha512'),
  digest('b2sum', 'blake2b'),
  cksum,
  sum,
];
