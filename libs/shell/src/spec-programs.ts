/** For this package's specs: the few external programs its lines call, each as small as it can be. */
import { KernelError, strerror } from '@netloom/base';
import {
  decodeText,
  print,
  printErr,
  readAll,
  readLines,
  type Program,
  type ProgramSpec,
  type Sys,
} from '@netloom/sys';

async function input(sys: Sys, files: readonly string[]): Promise<string> {
  if (files.length === 0) return decodeText(await readAll(sys, 0));
  let text = '';
  for (const file of files) {
    const fd = sys.open(file, 0);
    text += decodeText(await readAll(sys, fd));
    sys.close(fd);
  }
  return text;
}

const cat: Program = async (sys) => {
  const files = sys.argv.slice(1);
  let status = 0;
  for (const file of files.length > 0 ? files : ['-']) {
    try {
      const fd = file === '-' ? 0 : sys.open(file, 0);
      for (let chunk = await sys.read(fd, 4096); chunk.length > 0; chunk = await sys.read(fd, 4096))
        await sys.write(1, chunk);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      await printErr(sys, `cat: ${file}: ${strerror(error.errno)}\n`);
      status = 1;
    }
  }
  return status;
};

const head: Program = async (sys) => {
  let left = Number(/\d+/.exec(sys.argv[1] ?? '')?.[0] ?? '10');
  for await (const line of readLines(sys, 0)) {
    await print(sys, `${line}\n`);
    if (--left === 0) break;
  }
  return 0;
};

const tail: Program = async (sys) => {
  const lines = (await input(sys, [])).replace(/\n$/, '').split('\n');
  await print(
    sys,
    `${lines.slice(-Number(/\d+/.exec(sys.argv[1] ?? '')?.[0] ?? '10')).join('\n')}\n`,
  );
  return 0;
};

const tr: Program = async (sys) => {
  const set = (spec = ''): string[] =>
    Array.from(
      spec.replace(/(.)-(.)/g, (_whole, from: string, to: string) => {
        let out = '';
        for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++)
          out += String.fromCharCode(code);
        return out;
      }),
    );
  const from = set(sys.argv[1]);
  const to = set(sys.argv[2]);
  await print(
    sys,
    Array.from(await input(sys, []), (char) =>
      from.includes(char) ? (to[from.indexOf(char)] ?? to.at(-1) ?? '') : char,
    ).join(''),
  );
  return 0;
};

const wc: Program = async (sys) => {
  const bytes = await readAll(sys, 0);
  await print(
    sys,
    `${sys.argv[1] === '-c' ? bytes.length : bytes.filter((byte) => byte === 10).length}\n`,
  );
  return 0;
};

const sort: Program = async (sys) => {
  const lines = (await input(sys, [])).replace(/\n$/, '').split('\n').sort();
  await print(sys, `${lines.join('\n')}\n`);
  return 0;
};

const seq: Program = async (sys) => {
  const [from, to] =
    sys.argv.length > 2 ? [Number(sys.argv[1]), Number(sys.argv[2])] : [1, Number(sys.argv[1])];
  let out = '';
  for (let value = from; value <= to; value++) out += `${value}\n`;
  await print(sys, out);
  return 0;
};

const grep: Program = async (sys) => {
  const flags = sys.argv.filter((word) => word.startsWith('-')).join('');
  const [pattern = '', ...files] = sys.argv.slice(1).filter((word) => !word.startsWith('-'));
  const lines = (await input(sys, files))
    .split('\n')
    .filter((line) => line !== '' && new RegExp(pattern).test(line));
  if (flags.includes('c')) await print(sys, `${lines.length}\n`);
  else if (!flags.includes('q') && lines.length > 0) await print(sys, `${lines.join('\n')}\n`);
  return lines.length > 0 ? 0 : 1;
};

const cut: Program = async (sys) => {
  const [from, to] = (sys.argv[1] ?? '').slice(2).split('-').map(Number);
  for await (const line of readLines(sys, 0))
    await print(sys, `${line.slice((from ?? 1) - 1, to)}\n`);
  return 0;
};

const tee: Program = async (sys) => {
  const data = await readAll(sys, 0);
  await sys.write(1, data);
  for (const file of sys.argv.slice(1)) await sys.write(sys.open(file, 0o1101, 0o666), data);
  return 0;
};

const yes: Program = async (sys) => {
  for (;;) await print(sys, 'y\n');
};

const echo: Program = async (sys) => {
  await print(sys, `${sys.argv.slice(1).join(' ')}\n`);
  return 0;
};

const env: Program = async (sys) => {
  for (const [name, value] of sys.env) await print(sys, `${name}=${value}\n`);
  return 0;
};

const ls: Program = async (sys) => {
  await printErr(sys, `ls: cannot access '${sys.argv[1] ?? ''}': No such file or directory\n`);
  return 2;
};

function onFiles(act: (sys: Sys, path: string) => void): Program {
  return (sys) => {
    for (const path of sys.argv.slice(1)) if (!path.startsWith('-')) act(sys, path);
    return Promise.resolve(0);
  };
}

function remove(sys: Sys, path: string): void {
  if (sys.lstat(path).type !== 'dir') sys.unlink(path);
  else {
    for (const entry of sys.readdir(path)) remove(sys, `${path}/${entry.name}`);
    sys.rmdir(path);
  }
}

function makeDirectories(sys: Sys, path: string): void {
  const parts = path.split('/');
  parts.forEach((_part, at) => sys.mkdir(parts.slice(0, at + 1).join('/')));
}

const sleep: Program = async (sys) => {
  await sys.sleep(Number(sys.argv[1]) * 1e9);
  return 0;
};

const chmod: Program = (sys) => {
  const [, mode = '', path = ''] = sys.argv;
  sys.chmod(path, mode === '+x' ? sys.stat(path).mode | 0o111 : parseInt(mode, 8));
  return Promise.resolve(0);
};

const ln: Program = (sys) => {
  sys.symlink(sys.argv[2] ?? '', sys.argv[3] ?? '');
  return Promise.resolve(0);
};

const PROGRAMS: Readonly<Record<string, Program>> = {
  cat,
  head,
  tail,
  tr,
  wc,
  sort,
  seq,
  grep,
  cut,
  tee,
  yes,
  env,
  echo,
  ls,
  sleep,
  chmod,
  ln,
  touch: onFiles((sys, path) => sys.close(sys.open(path, 0o101, 0o666))),
  rm: onFiles(remove),
  mkfifo: onFiles((sys, path) => sys.mkfifo(path)),
  mkdir: onFiles(makeDirectories),
};

export const specPrograms: readonly ProgramSpec[] = Object.entries(PROGRAMS).map(
  ([name, main]) => ({ paths: [`/usr/bin/${name}`], main }),
);
