/**
 * The programs that scripts call in their own folder: `./defaults.sh` and `./set_sysctls.py`.
 *
 * They lie in {@link SCRIPT_FOLDER} of the host under test, where its commands run.
 */
import { KernelError, strerror } from '@netloom/base';
import {
  encodeText,
  OpenFlag,
  printErr,
  readTextFile,
  type ProgramSpec,
  type Sys,
} from '@netloom/sys';

export const SCRIPT_FOLDER = '/packetdrill';

/** What `./defaults.sh` sets where nothing else is said. */
export const DEFAULT_SYSCTLS = `
net.ipv4.tcp_rmem = 4096 540000 15728640
net.ipv4.tcp_wmem = 4096 262144 4194304
net.ipv4.tcp_timestamps = 1
net.ipv4.tcp_syn_retries = 5
net.ipv4.tcp_synack_retries = 5
net.ipv4.tcp_sack = 1
net.ipv4.tcp_dsack = 1
net.ipv4.tcp_reordering = 3
net.ipv4.tcp_congestion_control = cubic
net.ipv4.tcp_slow_start_after_idle = 0
net.ipv4.tcp_early_retrans = 4
net.ipv4.tcp_recovery = 1
net.ipv4.tcp_ecn = 0
net.ipv4.tcp_fastopen = 3
net.ipv4.tcp_fastopen_key = a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4
net.ipv4.tcp_syncookies = 1
`;

async function writeFile(sys: Sys, path: string, text: string, flags = 0): Promise<void> {
  const fd = sys.open(path, OpenFlag.O_WRONLY | flags, 0o755);
  try {
    await sys.write(fd, encodeText(text));
  } finally {
    sys.close(fd);
  }
}

function sysctlPath(key: string): string {
  return `/proc/sys/${key.trim().replaceAll('.', '/')}`;
}

/** Sets what the text says, one `name = value` a line; tells of names that the kernel lacks and goes on, as sysctl does. */
function defaultsProgram(text: string): ProgramSpec {
  return {
    paths: [`${SCRIPT_FOLDER}/defaults.sh`],
    main: async (sys) => {
      for (const line of text.split('\n')) {
        const [name, value] = line.replace(/#.*/, '').split('=');
        if (name === undefined || value === undefined) continue;
        try {
          await writeFile(sys, sysctlPath(name), value.trim());
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
          await printErr(sys, `defaults.sh: ${name.trim()}: ${strerror(error.errno)}\n`);
        }
      }
      return 0;
    },
  };
}

/** The process that started the shell that runs us, whose number scripts know as `${PPID}`. */
function scriptProcess(sys: Sys): number {
  const parent = sys.processes().find(({ pid }) => pid === sys.ppid);
  return parent?.comm === 'sh' ? parent.ppid : sys.ppid; // a shell may have become this program
}

/** `PATH=VALUE …`: sets them and leaves a program in /tmp that puts the old values back. */
const setSysctls: ProgramSpec = {
  paths: [`${SCRIPT_FOLDER}/set_sysctls.py`],
  main: async (sys) => {
    const restore = ['#!/bin/sh'];
    for (const word of sys.argv.slice(1)) {
      const [path = '', ...value] = word.split('=');
      try {
        const before = (await readTextFile(sys, path)).trim().replaceAll('\t', ' ');
        restore.push(`echo "${before}" > ${path}`);
        await writeFile(sys, path, value.join('='));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        await printErr(sys, `set_sysctls.py: ${path}: ${strerror(error.errno)}\n`);
        return 1;
      }
    }
    const file = `/tmp/sysctl_restore_${scriptProcess(sys)}.sh`;
    await writeFile(sys, file, `${restore.join('\n')}\n`, OpenFlag.O_CREAT | OpenFlag.O_TRUNC);
    sys.chmod(file, 0o755);
    return 0;
  },
};

export function scriptPrograms(defaults: string): readonly ProgramSpec[] {
  return [defaultsProgram(defaults), setSysctls];
}
