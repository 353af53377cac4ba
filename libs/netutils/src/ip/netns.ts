/**
 * `ip netns`: named network namespaces, as files under /run/netns onto which a namespace is bound.
 */
import { KernelError, strerror } from '@netloom/base';
import { OpenFlag, type Sys } from '@netloom/sys';
import { matches, parseUnsigned, invalidArgument, type Args } from '../args.js';
import { CommandExit, errorText } from '../command.js';
import { findProgram } from '../find-program.js';
import { NETNS_DIR, netnsId, netnsNames, netnsSwitch, type IpContext } from './context.js';
import { NETNS_HELP } from './help.js';

function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.length > 255) {
    throw new CommandExit(255, `Invalid netns name "${name}"\n`);
  }
}

function makeDirectory(sys: Sys): void {
  for (const path of ['/run', NETNS_DIR]) {
    try {
      sys.mkdir(path, 0o755);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.code !== 'EEXIST')
        throw new CommandExit(1, `mkdir ${path} failed: ${strerror(error.errno)}\n`);
    }
  }
}

/** Binds a namespace onto a new file; `enter` moves the process into it first, and it comes back afterwards. */
function bindNew(context: IpContext, name: string, enter: (sys: Sys) => void): void {
  const { sys } = context;
  const path = `${NETNS_DIR}/${name}`;
  makeDirectory(sys);
  try {
    sys.close(sys.open(path, OpenFlag.O_RDONLY | OpenFlag.O_CREAT | OpenFlag.O_EXCL, 0));
  } catch (error) {
    throw new CommandExit(1, `Cannot create namespace file "${path}": ${errorText(error)}\n`);
  }
  const own = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
  try {
    enter(sys);
    sys.netnsBind(path);
  } catch (error) {
    sys.unlink(path);
    if (error instanceof CommandExit) throw error;
    throw new CommandExit(
      1,
      `Failed to create a new network namespace "${name}": ${errorText(error)}\n`,
    );
  } finally {
    sys.setns(own);
    sys.close(own);
  }
}

function netnsAdd(args: Args, context: IpContext): void {
  if (args.done) throw new CommandExit(1, 'No netns name specified\n');
  const name = args.take();
  checkName(name);
  bindNew(context, name, (sys) => {
    sys.unshareNet();
  });
}

function netnsAttach(args: Args, context: IpContext): void {
  if (args.done) throw new CommandExit(1, 'No netns name specified\n');
  const name = args.take();
  if (args.done) throw new CommandExit(1, 'No PID specified\n');
  const pid = args.take();
  checkName(name);
  bindNew(context, name, (sys) => {
    let fd: number;
    try {
      fd = sys.open(`/proc/${pid}/ns/net`, OpenFlag.O_RDONLY);
    } catch (error) {
      throw new CommandExit(
        1,
        `Cannot open network namespace of PID ${pid}: ${errorText(error)}\n`,
      );
    }
    sys.setns(fd);
    sys.close(fd);
  });
}

function removeOne(context: IpContext, name: string): void {
  const path = `${NETNS_DIR}/${name}`;
  try {
    context.sys.netnsUnbind(path);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  try {
    context.sys.unlink(path);
  } catch (error) {
    throw new CommandExit(1, `Cannot remove namespace file "${path}": ${errorText(error)}\n`);
  }
}

function netnsDelete(args: Args, context: IpContext): void {
  if (context.options.all) {
    for (const name of netnsNames(context.sys)) removeOne(context, name);
    return;
  }
  if (args.done) throw new CommandExit(1, 'No netns name specified\n');
  const name = args.take();
  checkName(name);
  removeOne(context, name);
}

function netnsList(context: IpContext): void {
  const { out, sys } = context;
  out.start();
  for (const name of netnsNames(sys)) {
    out.openObject();
    out.any('name', name, name);
    const id = netnsId(sys, name);
    if (id >= 0) out.any('id', ` (id: ${id})`, id);
    out.plain('\n');
    out.closeObject();
  }
  out.finish();
}

function netnsListId(context: IpContext): void {
  const { out, sys } = context;
  out.start();
  for (const name of netnsNames(sys)) {
    const id = netnsId(sys, name);
    if (id < 0) continue;
    out.openObject();
    out.any('nsid', `nsid ${id} `, id);
    out.any('name', `(iproute2 netns name: ${name})`, name);
    out.plain('\n');
    out.closeObject();
  }
  out.finish();
}

function netnsSet(args: Args, context: IpContext): void {
  const { sys } = context;
  if (args.done) throw new CommandExit(1, 'No netns name specified\n');
  const name = args.take();
  if (args.done) throw new CommandExit(1, 'No nsid specified\n');
  const value = args.take();
  const nsid = value === 'auto' ? -1 : parseUnsigned(value, 0x7fffffff);
  if (nsid === undefined) throw invalidArgument('Invalid "netnsid" value\n', value);
  checkName(name);
  let fd: number;
  try {
    fd = sys.open(`${NETNS_DIR}/${name}`, OpenFlag.O_RDONLY);
  } catch (error) {
    throw new CommandExit(255, `Cannot open network namespace "${name}": ${errorText(error)}\n`);
  }
  try {
    context.ask('RTM_NEWNSID', { fd, nsid });
  } finally {
    sys.close(fd);
  }
}

/** Identity of a namespace: the inode of its nsfs file. */
function nsInode(sys: Sys, path: string): number | undefined {
  try {
    return sys.stat(path).ino;
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

function netnsIdentify(args: Args, context: IpContext): void {
  const { sys, out } = context;
  const pid = args.done ? 'self' : args.take();
  if (pid !== 'self' && parseUnsigned(pid) === undefined)
    throw new CommandExit(1, `Invalid process ID: ${pid}\n`);
  const own = nsInode(sys, `/proc/${pid}/ns/net`);
  if (own === undefined) {
    throw new CommandExit(1, 'Cannot open network namespace: No such file or directory\n');
  }
  const names = netnsNames(sys).filter((name) => nsInode(sys, `${NETNS_DIR}/${name}`) === own);
  out.literal(names.length === 0 ? '\n' : names.map((name) => `${name}\n`).join(''));
}

function netnsPids(args: Args, context: IpContext): void {
  const { sys, out } = context;
  if (args.done) throw new CommandExit(1, 'No netns name specified\n');
  const name = args.take();
  checkName(name);
  const wanted = nsInode(sys, `${NETNS_DIR}/${name}`);
  if (wanted === undefined) {
    throw new CommandExit(1, 'Cannot open network namespace: No such file or directory\n');
  }
  for (const { pid } of sys.processes()) {
    if (nsInode(sys, `/proc/${pid}/ns/net`) === wanted) out.literal(`${pid}\n`);
  }
}

/** Replaces this process by the command, found along PATH. */
export async function execCommand(sys: Sys, argv: readonly string[]): Promise<never> {
  const name = argv[0] ?? '';
  try {
    return await sys.exec(findProgram(sys, name), argv);
  } catch (error) {
    throw new CommandExit(1, `exec of "${name}" failed: ${errorText(error)}\n`);
  }
}

async function netnsExec(args: Args, context: IpContext): Promise<number> {
  const { sys, options, out } = context;
  if (!options.all) {
    if (args.done) throw new CommandExit(1, 'No netns name specified\n');
    const name = args.take();
    if (args.done) throw new CommandExit(1, 'No command specified\n');
    netnsSwitch(sys, name);
    return await execCommand(sys, args.rest());
  }
  if (args.done) throw new CommandExit(1, 'No command specified\n');
  const argv = args.rest();
  for (const name of netnsNames(sys)) {
    out.literal(`\nnetns: ${name}\n`);
    await context.flush();
    const own = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
    try {
      netnsSwitch(sys, name);
      const pid = sys.spawn({ program: findProgram(sys, argv[0] ?? ''), argv });
      await sys.waitpid(pid);
    } catch (error) {
      if (error instanceof CommandExit) throw error;
      throw new CommandExit(1, `exec of "${argv[0] ?? ''}" failed: ${errorText(error)}\n`);
    } finally {
      sys.setns(own);
      sys.close(own);
    }
  }
  return 0;
}

/** `ip netns …`. */
export async function doNetns(args: Args, context: IpContext): Promise<number> {
  const verb = args.done ? 'list' : args.take();
  if (matches(verb, 'help')) throw new CommandExit(255, NETNS_HELP);
  if (matches(verb, 'list') || matches(verb, 'show') || matches(verb, 'lst')) netnsList(context);
  else if (verb === 'list-id') netnsListId(context);
  else if (matches(verb, 'add')) netnsAdd(args, context);
  else if (matches(verb, 'set')) netnsSet(args, context);
  else if (matches(verb, 'delete')) netnsDelete(args, context);
  else if (matches(verb, 'identify')) netnsIdentify(args, context);
  else if (matches(verb, 'pids')) netnsPids(args, context);
  else if (matches(verb, 'exec')) return await netnsExec(args, context);
  else if (matches(verb, 'attach')) netnsAttach(args, context);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip netns help".\n`);
  return 0;
}
