/** `netloom packetdrill`: packetdrill scripts, each against an emulated host of its own on a virtual clock. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { runScript, type IpVersion, type ScriptResult } from '@netloom/packetdrill';
import type { Output } from './command-test.js';
import { nodeWallClock } from './wall-clock.js';

export const IP_VERSIONS: readonly IpVersion[] = ['ipv4', 'ipv4-mapped-ipv6', 'ipv6'];
const DEFAULTS_FILE = 'defaults.sysctl';

export interface PacketdrillOptions {
  readonly ipVersion?: IpVersion;
  readonly defaults?: string;
  readonly define?: readonly string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** The settings that come with a folder of scripts: beside them or one folder up. */
function defaultsOf(file: string): string | undefined {
  const folder = dirname(resolve(file));
  return [folder, dirname(folder)]
    .map((place) => join(place, DEFAULTS_FILE))
    .find((path) => existsSync(path));
}

async function runFile(
  file: string,
  options: PacketdrillOptions,
  output: Output,
): Promise<ScriptResult> {
  const { ipVersion, verbose, define = [] } = options;
  const defaults = options.defaults ?? defaultsOf(file);
  const definitions = new Map(
    define.map((text) => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)] as const;
    }),
  );
  return runScript(readFileSync(file, 'utf8'), {
    drain: () => nodeWallClock.drain(),
    definitions,
    ...(ipVersion === undefined ? {} : { ipVersion }),
    ...(defaults === undefined ? {} : { defaults: readFileSync(defaults, 'utf8') }),
    ...(verbose === true ? { print: (text: string) => output.err(`${text}\n`) } : {}),
  });
}

export async function packetdrillCommand(
  files: readonly string[],
  options: PacketdrillOptions,
  output: Output,
): Promise<number> {
  const scripts: { readonly file: string; readonly ok: boolean; readonly reason?: string }[] = [];
  for (const file of files) {
    let result: ScriptResult;
    try {
      result = await runFile(file, options, output);
    } catch (error) {
      result = { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
    scripts.push({ file, ...result });
    if (options.json !== true)
      output.out(result.ok ? `ok ${file}\n` : `FAIL ${file}: ${result.reason}\n`);
  }
  const passed = scripts.filter(({ ok }) => ok).length;
  const failed = scripts.length - passed;
  output.out(
    options.json === true
      ? `${JSON.stringify({ passed, failed, scripts }, undefined, 2)}\n`
      : `${passed} passed, ${failed} failed\n`,
  );
  return failed === 0 ? 0 : 1;
}
