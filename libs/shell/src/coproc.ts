/** `coproc`: a background command with a pipe to its input and one from its output. */
import type { Coproc } from 'unbash';
import { runNode } from './exec.js';
import { sourceText, spawnSubshell } from './exec-pipeline.js';
import { closeQuietly } from './redirect.js';
import type { Shell } from './shell.js';

export async function startCoprocess(sh: Shell, node: Coproc): Promise<number> {
  const name = node.name?.value ?? 'COPROC';
  const [fromReader, fromWriter] = sh.sys.pipe();
  const [toReader, toWriter] = sh.sys.pipe();
  const fds = sh.inheritableFds();
  for (const fd of [fromReader, fromWriter, toReader, toWriter]) fds.delete(fd);
  fds.set(0, toReader);
  fds.set(1, fromWriter);
  const pid = spawnSubshell(sh, (copy) => runNode(copy, node.body, true), {
    fds,
    pgid: sh.jobControl ? 0 : undefined,
  });
  closeQuietly(sh, toReader);
  closeQuietly(sh, fromWriter);
  const reader = moveHigh(sh, fromReader);
  const writer = moveHigh(sh, toWriter);
  sh.vars.setList(name, [String(reader), String(writer)]);
  sh.vars.set(`${name}_PID`, String(pid));
  sh.lastBackground = pid;
  const job = sh.jobs.add(
    [sh.jobs.track(pid)],
    sourceText(sh, node),
    sh.jobControl ? pid : undefined,
    true,
  );
  if (sh.interactive) await sh.err(`[${job.id}] ${pid}\n`);
  return 0;
}

/** Out of the way of a script's own numbers, and closed in other children. */
function moveHigh(sh: Shell, fd: number): number {
  const high = sh.sys.dup(fd, 60);
  sh.sys.setCloexec(high, true);
  sh.sys.close(fd);
  return high;
}
