/**
 * What recvmsg brought against what the script says of it: flags and control messages.
 */
import type { Control, RecvResult } from '@netloom/sys';
import { ScriptError, type Expr } from './ast.js';
import type { CallEnvironment } from './system-calls.js';
import { fieldsOf } from './symbols.js';

/** A control message as numbers by the names of its C fields. */
interface ControlMessage {
  readonly type: string;
  readonly data: Readonly<Record<string, number>>;
}

function messagesOf(control: Control, startNs: number): ControlMessage[] {
  const out: ControlMessage[] = [];
  if (control.timestamping !== undefined) {
    const ns = control.timestamping[0] - startNs;
    out.push({
      type: 'SCM_TIMESTAMPING',
      data: { scm_sec: Math.floor(ns / 1e9), scm_nsec: ns % 1e9 },
    });
  }
  const { err } = control;
  if (err !== undefined) {
    const { errno, origin, type, code, info, data = 0 } = err;
    out.push({
      type: 'RECVERR',
      data: {
        ee_errno: errno,
        ee_origin: origin,
        ee_type: type,
        ee_code: code,
        ee_info: info,
        ee_data: data,
      },
    });
  }
  if (control.inq !== undefined) out.push({ type: 'TCP_CM_INQ', data: { value: control.inq } });
  return out;
}

function typeOf(fields: ReadonlyMap<string, Expr>, env: CallEnvironment): string {
  const type = fields.get('cmsg_type');
  const name = type === undefined ? undefined : env.values.symbol(type);
  return name === 'IP_RECVERR' || name === 'IPV6_RECVERR' ? 'RECVERR' : (name ?? '?');
}

/** @throws ScriptError where flags or control messages differ. */
export function checkMessage(
  fields: ReadonlyMap<string, Expr>,
  result: RecvResult,
  env: CallEnvironment,
): void {
  const { values } = env;
  const flags = fields.get('msg_flags');
  if (flags !== undefined && flags.kind !== 'any' && values.number(flags) !== result.flags)
    throw new ScriptError(
      `msg_flags 0x${result.flags.toString(16)}, expected 0x${values.number(flags).toString(16)}`,
    );
  const control = fields.get('msg_control');
  if (control?.kind !== 'list') return;
  const got = messagesOf(result.control, env.startNs);
  if (got.length !== control.items.length)
    throw new ScriptError(
      `control messages ${got.map(({ type }) => type).join(', ') || 'none'}, expected ${control.items.length}`,
    );
  control.items.forEach((item, i) => checkControl(fieldsOf(item), got[i] as ControlMessage, env));
}

function checkControl(
  fields: ReadonlyMap<string, Expr>,
  got: ControlMessage,
  env: CallEnvironment,
): void {
  const type = typeOf(fields, env);
  if (type !== got.type) throw new ScriptError(`control message ${got.type}, expected ${type}`);
  const data = fields.get('cmsg_data');
  if (data === undefined || data.kind === 'any') return;
  if (data.kind !== 'struct') {
    const [value] = Object.values(got.data);
    if (value !== env.values.number(data))
      throw new ScriptError(`${type} is ${value}, expected ${env.values.number(data)}`);
    return;
  }
  const wanted = fieldsOf(data);
  if (type === 'SCM_TIMESTAMPING') {
    checkTimestamp(wanted, got, env);
    return;
  }
  for (const [name, expr] of wanted) {
    if (expr.kind === 'any') continue;
    const expected = env.values.number(expr);
    if (got.data[name] !== expected)
      throw new ScriptError(`${name} is ${got.data[name] ?? 'missing'}, expected ${expected}`);
  }
}

function checkTimestamp(
  wanted: ReadonlyMap<string, Expr>,
  got: ControlMessage,
  env: CallEnvironment,
): void {
  const number = (name: string): number => {
    const expr = wanted.get(name);
    return expr === undefined ? 0 : env.values.number(expr);
  };
  const expected = number('scm_sec') * 1e9 + number('scm_nsec');
  const actual = (got.data['scm_sec'] ?? 0) * 1e9 + (got.data['scm_nsec'] ?? 0);
  if (Math.abs(actual - expected) > env.toleranceNs)
    throw new ScriptError(`timestamp ${actual / 1e9} s, expected ${expected / 1e9} s`);
}
