/**
 * Pipelines, background commands and subshells: everything that makes another shell process.
 *
 * Each stage is a process of its own from the start (a copy of the shell that becomes the program where it can), joined
 * by pipes, so data streams and a reader that leaves stops its writers by SIGPIPE.
 */
import type { AndOr, CommandNode, Pipeline, PipelineNode, Redirection, Subshell } from 'unbash';
import { OpenFlag, Signal } from '@netloom/sys';
import { finishShell, runNode } from './exec.js';
import type { Child } from './jobs.js';
import { printNode, type PrintableNode } from './print-command.js';
import { closeQuietly, redirectForGood } from './redirect.js';
import type { Shell } from './shell.js';
import { formatTimes } from './times.js';

interface SubshellOptions {
  readonly fds: ReadonlyMap<number, number>;
  readonly pgid?: number | undefined;
  readonly background?: boolean;
  /** A simple command of a pipeline does not count in BASH_SUBSHELL. */
  readonly nested?: boolean;
}

/** Starts a copy of the shell that runs `body`; returns its pid. */
export function spawnSubshell(
  sh: Shell,
  body: (copy: Shell) => Promise<number>,
  options: SubshellOptions,
): number {
  const copy = sh.fork(options.nested ?? true);
  const quiet = options.background === true && !sh.jobControl;
  return sh.sys.spawn({
    program: async (sys) => {
      copy.attach(sys);
      copy.traps.start();
      return finishShell(copy, () => body(copy));
    },
    argv: sh.sys.argv,
    env: sh.vars.environment(),
    fds: options.fds,
    ...(options.pgid === undefined ? {} : { pgid: options.pgid }),
    ...(quiet ? { ignore: [Signal.SIGINT, Signal.SIGQUIT] } : {}),
  });
}

/** Waits for the foreground job and takes the terminal back; returns the statuses. */
export async function waitForeground(
  sh: Shell,
  children: readonly Child[],
  text: () => string,
): Promise<number[]> {
  if (!sh.jobControl) return sh.jobs.foreground(children, text);
  const pgid = children[0]?.pid ?? 0;
  giveTerminal(sh, pgid);
  const statuses = await sh.jobs.foreground(children, text);
  giveTerminal(sh, sh.sys.getpgid(0));
  const stopped = children.some((child) => child.state === 'stopped');
  if (stopped) {
    const job =
      sh.jobs.list().find((own) => own.children.some((child) => children.includes(child))) ??
      sh.jobs.add([...children], text(), pgid, true);
    sh.jobs.makeCurrent(job);
    job.background = true;
    job.notified = true;
    await sh.err(`\n${sh.jobs.describe(job)}`);
  }
  return statuses;
}

export function giveTerminal(sh: Shell, pgid: number): void {
  if (sh.sys.isatty(0)) sh.sys.tcsetpgrp(0, pgid);
}

/** Starts the stages of a pipeline. */
function startStages(
  sh: Shell,
  commands: readonly CommandNode[],
  operators: readonly string[],
  background: boolean,
): Child[] {
  const children: Child[] = [];
  let reader: number | undefined;
  let leader: number | undefined;
  const nullFd =
    background && !sh.jobControl ? sh.sys.open('/dev/null', OpenFlag.O_RDONLY) : undefined;
  commands.forEach((command, at) => {
    const fds = sh.inheritableFds();
    const last = at === commands.length - 1;
    if (nullFd !== undefined) fds.delete(nullFd);
    if (reader !== undefined) {
      fds.delete(reader);
      fds.set(0, reader);
    } else if (nullFd !== undefined) fds.set(0, nullFd);
    let next: number | undefined;
    let writer: number | undefined;
    if (!last) {
      [next, writer] = sh.sys.pipe();
      fds.set(1, writer);
      if (operators[at] === '|&') fds.set(2, writer);
    }
    const pgid = sh.jobControl ? (leader ?? 0) : undefined;
    const pid = spawnSubshell(sh, (copy) => runNode(copy, command, true), {
      fds,
      pgid,
      background,
      nested: command.type !== 'Command' && command.type !== 'Subshell',
    });
    leader ??= pid;
    children.push(sh.jobs.track(pid));
    if (reader !== undefined) closeQuietly(sh, reader);
    if (writer !== undefined) closeQuietly(sh, writer);
    reader = next;
  });
  if (nullFd !== undefined) closeQuietly(sh, nullFd);
  return children;
}

/** Runs a pipeline with its `!` and `time`. */
export async function runPipeline(sh: Shell, node: Pipeline, tail: boolean): Promise<number> {
  const timed = node.prefixes.find((prefix) => prefix.type === 'Time');
  const negated = node.prefixes.filter((prefix) => prefix.type === 'Negation').length % 2 === 1;
  const start = sh.sys.now();
  const cpu = sh.cpuNs;
  if (negated) sh.errexitOff++;
  let status = 0;
  try {
    const [only] = node.commands;
    if (node.commands.length === 1 && only !== undefined)
      status = await runNode(sh, only, tail && !negated && timed === undefined);
    else if (node.commands.length > 1) status = await runStages(sh, node);
  } finally {
    if (negated) sh.errexitOff--;
  }
  if (timed !== undefined)
    await sh.err(formatTimes(sh, sh.sys.now() - start, sh.cpuNs - cpu, timed.posix !== undefined));
  if (!negated) return status;
  sh.negated = true;
  return status === 0 ? 1 : 0;
}

async function runStages(sh: Shell, node: Pipeline): Promise<number> {
  sh.pos = node.pos;
  const children = startStages(sh, node.commands, node.operators, false);
  const statuses = await waitForeground(sh, children, () => sourceText(sh, node));
  sh.pipeStatus = statuses;
  if (!sh.options.pipefail) return statuses.at(-1) ?? 0;
  return statuses.findLast((status) => status !== 0) ?? 0;
}

/** Starts a command with `&`. */
export async function startBackground(sh: Shell, node: PipelineNode | AndOr): Promise<void> {
  const text = sourceText(sh, node);
  const plain = node.type === 'Pipeline' && node.prefixes.length === 0;
  let children: Child[];
  if (plain) children = startStages(sh, node.commands, node.operators, true);
  else {
    const fds = sh.inheritableFds();
    const nullFd = sh.jobControl ? undefined : sh.sys.open('/dev/null', OpenFlag.O_RDONLY);
    if (nullFd !== undefined) {
      fds.delete(nullFd);
      fds.set(0, nullFd);
    }
    const pid = spawnSubshell(sh, (copy) => runNode(copy, node, true), {
      fds,
      pgid: sh.jobControl ? 0 : undefined,
      background: true,
      nested: node.type !== 'Subshell',
    });
    if (nullFd !== undefined) closeQuietly(sh, nullFd);
    children = [sh.jobs.track(pid)];
  }
  const last = children.at(-1);
  const job = sh.jobs.add(children, text, sh.jobControl ? children[0]?.pid : undefined, true);
  sh.lastBackground = last?.pid;
  if (sh.interactive) await sh.err(`[${job.id}] ${last?.pid ?? 0}\n`);
}

/** `( … )`, its redirections done in the child. */
export async function runSubshell(
  sh: Shell,
  node: Subshell,
  redirects: readonly Redirection[],
  text: () => string,
): Promise<number> {
  const body = async (copy: Shell): Promise<number> => {
    if (redirects.length > 0) await redirectForGood(copy, redirects);
    return runNode(copy, node.body, true);
  };
  const pid = spawnSubshell(sh, body, {
    fds: sh.inheritableFds(),
    pgid: sh.jobControl ? 0 : undefined,
  });
  const [status = 0] = await waitForeground(sh, [sh.jobs.track(pid)], text);
  return status;
}

/** A command as job messages show it. */
export function sourceText(sh: Shell, node: PrintableNode): string {
  return printNode(node, sh.source);
}
