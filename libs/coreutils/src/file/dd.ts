/** dd: copies in blocks, with its report on standard error. */
import { KernelError } from '@netloom/base';
import { OpenFlag, Signal } from '@netloom/sys';
import { bytesToText, textToBytes, toUnicode } from '../tool/bytes.js';
import { shortest } from '../tool/cformat.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';

interface Settings {
  input: string | undefined;
  output: string | undefined;
  inputBlock: number;
  outputBlock: number | undefined;
  count: number;
  countBytes: boolean;
  skip: number;
  skipBytes: boolean;
  seek: number;
  seekBytes: boolean;
  readonly conversions: Set<string>;
  fullBlock: boolean;
  append: boolean;
  status: string;
}

function multiplied(t: Tool, text: string, name: string): number {
  let result = 1;
  for (const part of text.split('x')) {
    const match = /^(\d+)(c|w|b|([kKMGTPE])(i?B)?)?B?$/.exec(part);
    if (match === null) return t.fail(`invalid number: ${quoteAlways(text)}`);
    const unit =
      match[2] === 'w'
        ? 2
        : match[2] === 'b'
          ? 512
          : match[3] === undefined
            ? 1
            : (match[4] === 'B' ? 1000 : 1024) ** ('KMGTPE'.indexOf(match[3].toUpperCase()) + 1);
    result *= Number(match[1]) * unit;
  }
  if (name.endsWith('bs') && result === 0) t.fail(`invalid number: ${quoteAlways(text)}`);
  return result;
}

function readSettings(t: Tool): Settings {
  const s: Settings = {
    input: undefined,
    output: undefined,
    inputBlock: 512,
    outputBlock: undefined,
    count: Infinity,
    countBytes: false,
    skip: 0,
    skipBytes: false,
    seek: 0,
    seekBytes: false,
    conversions: new Set(),
    fullBlock: false,
    append: false,
    status: '',
  };
  const bytes = (text: string): boolean =>
    text.endsWith('B') && /\d$|[kKMGTPE]i?$/.test(text.slice(0, -1)) && !/[kKMGTPE]i?B$/.test(text);
  for (const arg of t.args) {
    const equals = arg.indexOf('=');
    const [name, value] = [arg.slice(0, Math.max(0, equals)), arg.slice(equals + 1)];
    const number = (): number => multiplied(t, value, name);
    if (equals < 0) t.usage(`unrecognized operand ${quoteAlways(arg)}`);
    switch (name) {
      case 'if':
        s.input = value;
        break;
      case 'of':
        s.output = value;
        break;
      case 'bs':
        s.inputBlock = s.outputBlock = number();
        break;
      case 'ibs':
        s.inputBlock = number();
        break;
      case 'obs':
        s.outputBlock = number();
        break;
      case 'cbs':
        break;
      case 'count':
        s.count = number();
        s.countBytes ||= bytes(value);
        break;
      case 'skip':
      case 'iseek':
        s.skip = number();
        s.skipBytes ||= bytes(value);
        break;
      case 'seek':
      case 'oseek':
        s.seek = number();
        s.seekBytes ||= bytes(value);
        break;
      case 'status':
        if (!['none', 'noxfer', 'progress'].includes(value))
          t.usage(`invalid status level: ${quoteAlways(value)}`);
        s.status = value;
        break;
      case 'conv':
        for (const word of value.split(',')) {
          if (
            ![
              'ascii',
              'notrunc',
              'nocreat',
              'excl',
              'sync',
              'noerror',
              'fsync',
              'fdatasync',
              'ucase',
              'lcase',
              'swab',
              'sparse',
            ].includes(word)
          )
            t.usage(`invalid conversion: ${quoteAlways(word)}`);
          s.conversions.add(word);
        }
        break;
      case 'iflag':
      case 'oflag':
        for (const word of value.split(',')) {
          if (word === 'fullblock') s.fullBlock = true;
          else if (word === 'count_bytes') s.countBytes = true;
          else if (word === 'skip_bytes') s.skipBytes = true;
          else if (word === 'seek_bytes') s.seekBytes = true;
          else if (word === 'append') s.append = true;
          else if (
            ![
              'direct',
              'sync',
              'dsync',
              'nonblock',
              'noatime',
              'nocache',
              'nofollow',
              'noctty',
              'directory',
              'binary',
              'text',
            ].includes(word)
          )
            t.usage(`invalid ${name === 'iflag' ? 'input' : 'output'} flag: ${quoteAlways(word)}`);
        }
        break;
      default:
        t.usage(`unrecognized operand ${quoteAlways(arg)}`);
    }
  }
  return s;
}

/** Sizes as dd reports them: one decimal below ten, none above. */
function scaled(value: number, base: number, unit: string): string {
  let [amount, power] = [value, 0];
  while (amount >= base) {
    amount /= base;
    power++;
  }
  if (power === 0)
    return `${Number.isInteger(amount) ? amount : amount.toFixed(amount < 10 ? 1 : 0)} ${unit}`;
  const letter = base === 1000 && power === 1 ? 'k' : 'KMGTPE'.charAt(power - 1);
  return `${amount < 9.95 ? amount.toFixed(1) : amount.toFixed(0)} ${letter}${base === 1024 ? 'i' : ''}${unit}`;
}

class Report {
  read = { whole: 0, part: 0 };
  written = { whole: 0, part: 0 };
  bytes = 0;
  private readonly start: number;

  constructor(
    private readonly t: Tool,
    private readonly status: string,
  ) {
    this.start = t.sys.now();
  }

  print(): void {
    const { t } = this;
    if (this.status === 'none') return;
    t.put(
      `${this.read.whole}+${this.read.part} records in\n${this.written.whole}+${this.written.part} records out\n`,
      2,
    );
    if (this.status === 'noxfer') return;
    const seconds = (t.sys.now() - this.start) / 1e9;
    const sizes =
      this.bytes < 1000
        ? ''
        : ` (${scaled(this.bytes, 1000, 'B')}${this.bytes < 1024 ? '' : `, ${scaled(this.bytes, 1024, 'B')}`})`;
    const rate = seconds > 0 ? scaled(this.bytes / seconds, 1000, 'B/s') : 'Infinity B/s';
    t.put(
      `${this.bytes} byte${this.bytes === 1 ? '' : 's'}${sizes} copied, ${shortest(seconds)} s, ${rate}\n`,
      2,
    );
  }
}

function converted(text: string, s: Settings): string {
  let out = text;
  if (s.conversions.has('ucase')) out = out.replace(/[a-z]+/g, (part) => part.toUpperCase());
  if (s.conversions.has('lcase')) out = out.replace(/[A-Z]+/g, (part) => part.toLowerCase());
  if (s.conversions.has('swab')) out = out.replace(/([^])([^])/g, '$2$1');
  return out;
}

/** At most `want` bytes; a short read counts as it is unless full blocks are wanted. */
async function readBlock(t: Tool, fd: number, want: number, full: boolean): Promise<Uint8Array> {
  const first = await t.sys.read(fd, want);
  if (!full || first.length === 0 || first.length === want) return first;
  const parts = [first];
  let length = first.length;
  while (length < want) {
    const more = await t.sys.read(fd, want - length);
    if (more.length === 0) break;
    parts.push(more);
    length += more.length;
  }
  const block = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    block.set(part, at);
    at += part.length;
  }
  return block;
}

async function skipInput(t: Tool, fd: number, bytes: number, block: number): Promise<void> {
  if (bytes === 0) return;
  try {
    t.sys.seek(fd, bytes, 'cur');
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    for (let left = bytes; left > 0;) {
      const read = await readBlock(t, fd, Math.min(left, block), true);
      if (read.length === 0) break;
      left -= read.length;
    }
  }
}

export const dd = defineTool(
  {
    name: 'dd',
    usage: '[OPERAND]...\n  or:  dd OPTION',
    about: 'Copy a file, converting and formatting according to the operands.',
    raw: true,
  },
  async (t) => {
    if (t.args[0] === '--help' || t.args[0] === '--version') t.parse({}, t.args);
    const s = readSettings(t);
    const { sys } = t;
    let [source, sink] = [0, 1];
    try {
      if (s.input !== undefined) source = t.open(s.input);
    } catch (error) {
      t.fail(`failed to open ${quoteAlways(s.input ?? '')}: ${errnoText(error)}`);
    }
    const block = s.outputBlock ?? 512;
    const seekBytes = s.seek * (s.seekBytes ? 1 : block);
    try {
      if (s.output !== undefined) {
        const flags =
          OpenFlag.O_WRONLY |
          (s.conversions.has('nocreat') ? 0 : OpenFlag.O_CREAT) |
          (s.conversions.has('excl') ? OpenFlag.O_EXCL : 0) |
          (s.append ? OpenFlag.O_APPEND : 0) |
          (s.conversions.has('notrunc') || seekBytes > 0 || s.append ? 0 : OpenFlag.O_TRUNC);
        sink = sys.open(toUnicode(s.output), flags, 0o666);
        if (seekBytes > 0) {
          if (!s.conversions.has('notrunc')) sys.ftruncate(sink, seekBytes);
          sys.seek(sink, seekBytes, 'set');
        }
      } else if (seekBytes > 0) sys.seek(sink, seekBytes, 'cur');
    } catch (error) {
      t.fail(`failed to open ${quoteAlways(s.output ?? '')}: ${errnoText(error)}`);
    }
    const report = new Report(t, s.status);
    sys.signal(Signal.SIGUSR1, async () => {
      report.print();
      await t.flush();
    });
    sys.signal(Signal.SIGINT, async () => {
      report.print();
      await t.flush();
      sys.signal(Signal.SIGINT, 'default');
      sys.kill(sys.pid, Signal.SIGINT);
    });
    await skipInput(t, source, s.skip * (s.skipBytes ? 1 : s.inputBlock), s.inputBlock);
    const reblock = s.outputBlock !== undefined && s.outputBlock !== s.inputBlock;
    let held = '';
    const write = async (bytes: Uint8Array): Promise<void> => {
      try {
        await sys.write(sink, bytes);
      } catch (error) {
        report.print();
        t.fail(`error writing ${quoteAlways(s.output ?? 'standard output')}: ${errnoText(error)}`);
      }
      report.bytes += bytes.length;
      if (bytes.length === block) report.written.whole++;
      else report.written.part++;
    };
    let records = 0;
    let total = 0;
    while (s.countBytes ? total < s.count : records < s.count) {
      let bytes: Uint8Array;
      try {
        bytes = await readBlock(
          t,
          source,
          s.countBytes ? Math.min(s.inputBlock, s.count - total) : s.inputBlock,
          s.fullBlock,
        );
      } catch (error) {
        t.warnErrno(`error reading ${quoteAlways(s.input ?? 'standard input')}`, error);
        break;
      }
      if (bytes.length === 0) break;
      records++;
      total += bytes.length;
      const whole = bytes.length === s.inputBlock;
      if (whole) report.read.whole++;
      else report.read.part++;
      const changes = reblock || s.conversions.size > 0;
      if (!changes) await write(bytes);
      else {
        let text = converted(bytesToText(bytes), s);
        if (!whole && s.conversions.has('sync')) text = text.padEnd(s.inputBlock, '\0');
        held += text;
        if (!reblock) {
          await write(textToBytes(held));
          held = '';
        }
        for (; held.length >= block; held = held.slice(block)) {
          await write(textToBytes(held.slice(0, block)));
        }
      }
      if (records % 256 === 0) await sys.cpu(100_000);
    }
    if (held !== '') await write(textToBytes(held));
    report.print();
    return t.status;
  },
);
