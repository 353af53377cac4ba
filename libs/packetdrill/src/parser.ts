/**
 * A script's text → {@link Script}. The grammar in short:
 *
 *   script  = { "--" name [ "=" value ] } [ command ] { event } [ command ]
 *   event   = time [ "..." time ] ( packet | call | command | code )
 *   time    = "*" | [ "+" ] seconds [ "~" [ "+" ] seconds ]
 *   command = "`" … "`"        code = "%{" … "}%"
 *
 * Line breaks mean nothing. Source: what packetdrill's manual and scripts show.
 */
import type { Action, EventTime, Script, ScriptEvent } from './ast.js';
import { parseCall } from './parse-expr.js';
import { parsePacket, type Definitions } from './parse-packet.js';
import { Scanner } from './scanner.js';

const SECONDS = /\d+\.\d+|\.\d+|\d+/y;

function nanoseconds(text: string): number {
  return Math.round(Number(text) * 1e9);
}

export function parseScript(text: string, words: Definitions = new Map()): Script {
  const s = new Scanner(text);
  const options = new Map<string, string>();
  for (;;) {
    const line = s.take(/--\w+(?:=[^\s]*)?/y);
    if (line === undefined) break;
    const [name = '', ...value] = line.slice(2).split('=');
    options.set(name, value.join('='));
  }
  const init = s.accept('`') ? s.until('`') : undefined;
  const events: ScriptEvent[] = [];
  let cleanup: string | undefined;
  while (!s.atEnd) {
    if (s.accept('`')) {
      cleanup = s.until('`');
      if (!s.atEnd) throw s.error('nothing may follow the last command');
      break;
    }
    const { line } = s;
    events.push({ line, time: parseTime(s), action: parseAction(s, words) });
  }
  return { options, init, events, cleanup };
}

function parseTime(s: Scanner): EventTime {
  if (s.accept('*')) return { kind: 'any', ns: 0, rangeEndNs: undefined, blockingEndNs: undefined };
  const relative = s.accept('+');
  const ns = nanoseconds(s.need(SECONDS, 'a time'));
  let rangeEndNs: number | undefined;
  let blockingEndNs: number | undefined;
  if (s.accept('~')) {
    s.accept('+');
    rangeEndNs = nanoseconds(s.need(SECONDS, 'the end of the range'));
  }
  if (s.accept('...')) {
    s.accept('+');
    blockingEndNs = nanoseconds(s.need(SECONDS, 'the end of the call'));
  }
  return { kind: relative ? 'relative' : 'absolute', ns, rangeEndNs, blockingEndNs };
}

function parseAction(s: Scanner, words: Definitions): Action {
  if (s.accept('`')) return { kind: 'command', text: s.until('`') };
  if (s.accept('%{')) return { kind: 'code', text: s.until('}%') };
  if (s.accept('<')) return { kind: 'packet', packet: parsePacket(s, 'in', words) };
  if (s.accept('>')) return { kind: 'packet', packet: parsePacket(s, 'out', words) };
  const name = s.need(/[a-z_]\w*(?=\s*\()/y, 'a packet, a system call, a command or code');
  return { kind: 'call', call: parseCall(s, name) };
}
