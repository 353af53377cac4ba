/** `tc qdisc`: a device's queueing disciplines. */
import type { QdiscMsg, QdiscNew } from '@netloom/sys';
import { matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from '../ip/context.js';
import { QDISC_HELP } from './help.js';
import { bfifo, noqueue, pfifo, pfifoFast } from './qdisc-fifo.js';
import { type QdiscOptions, type TcQdisc } from './qdisc-kind.js';
import { tbf } from './qdisc-tbf.js';
import { sizeText } from './units.js';

const KINDS: ReadonlyMap<string, TcQdisc> = new Map(
  [pfifo, bfifo, pfifoFast, noqueue, tbf].map((kind) => [kind.name, kind]),
);

const TC_H_ROOT = 0xffffffff;

/** `1:`, `8001:` to a handle. */
function parseHandle(text: string): number {
  const match = /^([0-9a-f]{1,4}):?$/i.exec(text);
  if (text === 'none') return 0;
  if (match === null)
    throw new CommandExit(255, `Error: argument "${text}" is wrong: invalid qdisc ID\n`);
  return parseInt(match[1] ?? '', 16) * 0x10000;
}

/** `1:2` to a class. */
function parseClassId(text: string): number {
  if (text === 'root') return TC_H_ROOT;
  const match = /^([0-9a-f]{0,4}):([0-9a-f]{0,4})$/i.exec(text);
  if (match === null)
    throw new CommandExit(255, `Error: argument "${text}" is wrong: invalid parent ID\n`);
  return parseInt(match[1] || '0', 16) * 0x10000 + parseInt(match[2] || '0', 16);
}

export function handleText(handle: number): string {
  const major = Math.floor(handle / 0x10000).toString(16);
  const minor = handle % 0x10000;
  return `${major}:${minor === 0 ? '' : minor.toString(16)}`;
}

function parseOptions(name: string, args: Args): QdiscOptions {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind.parse(args);
  if (args.done) return {};
  throw new CommandExit(1, `Unknown qdisc "${name}", hence option "${args.word}" is unparsable\n`);
}

function deviceIndex(context: IpContext, name: string): number {
  const link = context.linkByName(name);
  if (link === undefined) throw new CommandExit(1, `Cannot find device "${name}"\n`);
  return link.ifindex;
}

type Request = Omit<QdiscNew, 'mode'>;

function parseRequest(args: Args, context: IpContext): Request {
  let device: string | undefined;
  let handle = 0;
  let parent = 0;
  let kind: string | undefined;
  let options: QdiscOptions = {};
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') {
      if (device !== undefined)
        throw new CommandExit(
          255,
          'Error: duplicate "dev": "' + args.value() + '" is the second value.\n',
        );
      device = args.value();
    } else if (word === 'handle') {
      handle = parseHandle(args.value());
    } else if (word === 'root') {
      if (parent !== 0) throw new CommandExit(255, 'Error: "root" is duplicate parent ID\n');
      parent = TC_H_ROOT;
    } else if (word === 'parent') {
      if (parent !== 0) throw new CommandExit(255, 'Error: duplicate parent ID\n');
      parent = parseClassId(args.value());
    } else if (matches(word, 'help')) {
      throw new CommandExit(0, QDISC_HELP);
    } else {
      kind = word;
      options = parseOptions(kind, args);
    }
  }
  const ifindex = device === undefined ? 0 : deviceIndex(context, device);
  return { ifindex, handle, parent, options, ...(kind === undefined ? {} : { kind }) };
}

function modify(args: Args, context: IpContext, mode: QdiscNew['mode']): void {
  const request = parseRequest(args, context);
  context.ask('RTM_NEWQDISC', { ...request, mode });
}

function remove(args: Args, context: IpContext): void {
  const { ifindex, handle, parent, kind } = parseRequest(args, context);
  context.ask('RTM_DELQDISC', {
    ifindex,
    handle,
    parent,
    ...(kind === undefined ? {} : { kind }),
  });
}

function show(args: Args, context: IpContext): void {
  let device: string | undefined;
  let handle: number | undefined;
  let rootOnly = false;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') device = args.value();
    else if (word === 'root') rootOnly = true;
    else if (word === 'handle') handle = parseHandle(args.value());
    else if (word === 'invisible') continue;
    else if (matches(word, 'help')) throw new CommandExit(0, QDISC_HELP);
    else throw new CommandExit(255, `What is "${word}"? Try "tc qdisc help".\n`);
  }
  const request = device === undefined ? {} : { ifindex: deviceIndex(context, device) };
  const { out } = context;
  out.start();
  for (const qdisc of context.dump('RTM_GETQDISC', request)) {
    if (handle !== undefined && qdisc.handle !== handle) continue;
    if (rootOnly && qdisc.parent !== TC_H_ROOT) continue;
    printQdisc(context, qdisc, device === undefined);
  }
  out.finish();
}

function printQdisc(context: IpContext, qdisc: QdiscMsg, withDevice: boolean): void {
  const { out } = context;
  out.openObject();
  out.any('kind', `qdisc ${qdisc.kind} `, qdisc.kind);
  const handle = handleText(qdisc.handle);
  out.any('handle', `${handle} `, handle);
  const name = context.ifname(qdisc.ifindex);
  if (withDevice) out.any('dev', `dev ${name} `, name);
  if (qdisc.parent === TC_H_ROOT) out.any('root', 'root ', true);
  else if (qdisc.parent !== 0)
    out.any('parent', `parent ${handleText(qdisc.parent)} `, handleText(qdisc.parent));
  if (qdisc.refcnt !== 1) out.any('refcnt', `refcnt ${qdisc.refcnt} `, qdisc.refcnt);
  out.openObject('options');
  KINDS.get(qdisc.kind)?.print(context, qdisc.options);
  out.closeObject();
  out.newline();
  if (context.options.stats > 0) printStats(context, qdisc);
  out.closeObject();
}

function printStats({ out }: IpContext, { stats }: QdiscMsg): void {
  const { bytes, packets, drops, overlimits, requeues, backlog, qlen } = stats;
  out.any('bytes', ` Sent ${bytes} bytes`, bytes);
  out.any('packets', ` ${packets} pkt`, packets);
  out.any('drops', ` (dropped ${drops}`, drops);
  out.any('overlimits', `, overlimits ${overlimits}`, overlimits);
  out.any('requeues', ` requeues ${requeues}) `, requeues);
  out.newline();
  out.any('backlog', ` backlog ${sizeText(backlog)}`, backlog);
  out.any('qlen', ` ${qlen}p`, qlen);
  out.plain(` requeues ${requeues}`);
  out.newline();
}

/** The object `qdisc` of `tc`. */
export function doQdisc(args: Args, context: IpContext): void {
  const command = args.done ? 'list' : args.take();
  if (matches(command, 'add')) modify(args, context, 'add');
  else if (matches(command, 'change')) modify(args, context, 'change');
  else if (matches(command, 'replace')) modify(args, context, 'replace');
  else if (matches(command, 'link')) modify(args, context, 'link');
  else if (matches(command, 'delete')) remove(args, context);
  else if (matches(command, 'list') || matches(command, 'show') || matches(command, 'lst'))
    show(args, context);
  else if (matches(command, 'help')) throw new CommandExit(0, QDISC_HELP);
  else throw new CommandExit(255, `Command "${command}" is unknown, try "tc qdisc help".\n`);
}
