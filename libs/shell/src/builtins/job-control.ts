/** wait, jobs, fg, bg, disown. */
import { Signal } from '@netloom/sys';
import { giveTerminal } from '../exec-pipeline.js';
import type { Child, Job } from '../jobs.js';
import type { Shell } from '../shell.js';
import type { Builtin } from './types.js';

/** Waits until `done()`, or until a trapped signal comes: then its number. */
async function waitUntil(sh: Shell, done: () => boolean): Promise<number | undefined> {
  while (!done()) {
    const before = sh.traps.pendingSignal();
    if (before !== undefined) return before;
    if (sh.traps.interrupted) return Signal.SIGINT;
    if (sh.jobs.running().length === 0) return undefined;
    const arrival = sh.traps.arrival();
    await Promise.race([sh.jobs.change(), arrival.promise]);
    arrival.cancel();
  }
  return undefined;
}

const wait: Builtin = async (sh, _args, words) => {
  let at = 1;
  let any = false;
  let variable: string | undefined;
  for (; /^-[nfp]/.test(words[at] ?? ''); at++) {
    if (words[at]?.includes('n') === true) any = true;
    if (words[at] === '-p') variable = words[++at];
  }
  const specs = words.slice(at);
  if (any) return waitAny(sh, specs, variable);
  if (specs.length === 0) {
    const background = sh.jobs.running().filter((child) => sh.jobs.jobOf(child) !== undefined);
    const signal = await waitUntil(sh, () =>
      background.every((child) => child.state !== 'running'),
    );
    if (signal !== undefined) return 128 + signal;
    for (const job of [...sh.jobs.list()]) if (sh.jobs.stateOf(job) === 'done') settled(sh, job);
    return 0;
  }
  let status = 0;
  for (const spec of specs) {
    const child = await childOf(sh, spec);
    if (typeof child === 'number') {
      status = child;
      continue;
    }
    const signal = await waitUntil(sh, () => child.state !== 'running');
    if (signal !== undefined) return 128 + signal;
    status = child.status;
    if (!sh.interactive && child.state === 'done' && child.signal !== Signal.SIGTERM)
      await sh.jobs.reportDeath(child, sh.jobs.jobOf(child)?.text ?? '');
    const job = sh.jobs.jobOf(child);
    if (job !== undefined && sh.jobs.stateOf(job) === 'done') settled(sh, job);
  }
  return status;
};

/** A job that was waited for: not reported again, its status still known to a later `wait PID`. */
function settled(sh: Shell, job: Job): void {
  job.notified = true;
  if (!sh.jobControl) sh.jobs.hide(job);
}

async function childOf(sh: Shell, spec: string): Promise<Child | number> {
  if (spec.startsWith('%')) {
    const job = sh.jobs.find(spec);
    const last = job?.children.at(-1);
    return last ?? sh.fail('wait', `${spec}: no such job`, 127);
  }
  if (!/^\d+$/.test(spec)) return sh.fail('wait', `\`${spec}': not a pid or valid job spec`, 1);
  return (
    sh.jobs.child(Number(spec)) ?? sh.fail('wait', `pid ${spec} is not a child of this shell`, 127)
  );
}

async function waitAny(
  sh: Shell,
  specs: readonly string[],
  variable: string | undefined,
): Promise<number> {
  const wanted: Job[] = [];
  for (const job of sh.jobs.list()) {
    if (job.notified) continue;
    if (
      specs.length === 0 ||
      job.children.some((child) => specs.includes(String(child.pid))) ||
      specs.includes(`%${job.id}`)
    )
      wanted.push(job);
  }
  if (wanted.length === 0) return 127;
  let found: Job | undefined;
  const signal = await waitUntil(sh, () => {
    found = wanted.find((job) => sh.jobs.stateOf(job) === 'done');
    return found !== undefined;
  });
  if (signal !== undefined) return 128 + signal;
  const child = found?.children.at(-1);
  if (found === undefined || child === undefined) return 127;
  if (variable !== undefined) sh.vars.set(variable, String(child.pid));
  settled(sh, found);
  return child.status;
}

const jobs: Builtin = async (sh, _args, words) => {
  await sh.jobs.poll();
  const flags = words.filter((word) => word.startsWith('-')).join('');
  const specs = words.slice(1).filter((word) => !word.startsWith('-'));
  let status = 0;
  const chosen: Job[] = [];
  if (specs.length === 0) chosen.push(...sh.jobs.list());
  for (const spec of specs) {
    const job = sh.jobs.find(spec);
    if (job === undefined) status = await sh.fail('jobs', `${spec}: no such job`);
    else chosen.push(job);
  }
  let out = '';
  for (const job of chosen) {
    const state = sh.jobs.stateOf(job);
    if (
      (flags.includes('r') && state !== 'running') ||
      (flags.includes('s') && state !== 'stopped')
    )
      continue;
    out += flags.includes('p')
      ? `${job.children[0]?.pid ?? 0}\n`
      : sh.jobs.describe(job, flags.includes('l'));
    if (state !== 'running') job.notified = true;
    if (state === 'done') {
      sh.jobs.remove(job);
    }
  }
  return (await sh.out(out, 'jobs')) || status;
};

/** Continues a job in the foreground and waits for it. */
const fg: Builtin = async (sh, _args, words) => {
  if (!sh.jobControl) return sh.fail('fg', 'no job control');
  const job = sh.jobs.find(words[1] ?? '%+');
  if (job === undefined) return sh.fail('fg', `${words[1] ?? 'current'}: no such job`);
  await sh.out(`${job.text}\n`, 'fg');
  const pgid = job.pgid ?? job.children[0]?.pid ?? 0;
  giveTerminal(sh, pgid);
  resume(sh, job, pgid);
  job.background = false;
  const statuses = await sh.jobs.foreground(job.children, () => job.text);
  giveTerminal(sh, sh.sys.getpgid(0));
  if (sh.jobs.stateOf(job) === 'stopped') {
    sh.jobs.makeCurrent(job);
    job.background = true;
    job.notified = true;
    await sh.err(`\n${sh.jobs.describe(job)}`);
  } else sh.jobs.remove(job);
  return statuses.at(-1) ?? 0;
};

const bg: Builtin = async (sh, _args, words) => {
  if (!sh.jobControl) return sh.fail('bg', 'no job control');
  const job = sh.jobs.find(words[1] ?? '%+');
  if (job === undefined) return sh.fail('bg', `${words[1] ?? 'current'}: no such job`);
  if (sh.jobs.stateOf(job) === 'running')
    return sh.fail('bg', `job ${job.id} already in background`, 0);
  resume(sh, job, job.pgid ?? job.children[0]?.pid ?? 0);
  return sh.out(`[${job.id}]+ ${job.text} &\n`, 'bg');
};

function resume(sh: Shell, job: Job, pgid: number): void {
  job.notified = false;
  for (const child of job.children) if (child.state === 'stopped') child.state = 'running';
  sh.sys.kill(-pgid, Signal.SIGCONT);
}

const disown: Builtin = async (sh, _args, words) => {
  const all = words.includes('-a');
  const specs = words.slice(1).filter((word) => !word.startsWith('-'));
  if (all) {
    for (const job of [...sh.jobs.list()]) sh.jobs.hide(job);
    return 0;
  }
  let status = 0;
  for (const spec of specs.length > 0 ? specs : ['%+']) {
    const child = /^\d+$/.test(spec) ? sh.jobs.child(Number(spec)) : undefined;
    const job = child === undefined ? sh.jobs.find(spec) : sh.jobs.jobOf(child);
    if (job === undefined)
      status = await sh.fail('disown', `${specs.length > 0 ? spec : 'current'}: no such job`);
    else if (!words.includes('-h')) sh.jobs.hide(job);
  }
  return status;
};

export const jobBuiltins: Readonly<Record<string, Builtin>> = { wait, jobs, fg, bg, disown };
