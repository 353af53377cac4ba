/**
 * What `tc qdisc` does to a device: which queueing disciplines it has, making, changing, replacing and deleting them.
 * rtnetlink → here → the kinds that are registered with KernelModules. Source: net/sched/sch_api.c.
 */
import { KernelError } from '@netloom/base';
import type { QdiscNew } from '@netloom/sys';
import type { NetDevice } from './net-device.js';
import { type Qdisc, TC_H_ROOT } from './qdisc.js';

/** A kind of queueing discipline. @kernel struct Qdisc_ops */
export interface QdiscKind {
  readonly name: string;
  /** @errno EINVAL with extack for options that make no sense */
  create(dev: NetDevice, options: Readonly<Record<string, unknown>>): Qdisc;
}

/** Handles that the kernel gives out: 8001:, 8002: … */
const FIRST_AUTO_HANDLE = 0x80010000;

function refuse(code: 'EEXIST' | 'ENOENT' | 'EINVAL' | 'EOPNOTSUPP', text: string): never {
  throw new KernelError(code, text);
}

function kindOf(dev: NetDevice, name: string): QdiscKind {
  return dev.kernel.modules.qdiscKind(name) ?? refuse('ENOENT', 'Specified qdisc kind is unknown');
}

function autoHandle(dev: NetDevice): number {
  const { kernel } = dev;
  kernel.lastQdiscHandle =
    kernel.lastQdiscHandle === 0 ? FIRST_AUTO_HANDLE : kernel.lastQdiscHandle + 0x10000;
  return kernel.lastQdiscHandle;
}

/** Puts a discipline at the root; what waits in the old one is dropped. null: the device's own. @kernel dev_graft_qdisc() */
function graftRoot(dev: NetDevice, next: Qdisc | null): void {
  const old = dev.qdisc;
  if (old?.handle === 0 || old === null) dev.defaultQdisc = old;
  old?.reset();
  dev.qdisc = next ?? dev.defaultQdisc;
}

/**
 * A request without a handle that names another kind replaces the discipline whatever its mode; with a handle it is about
 * that one. @errno ENOENT, EEXIST, EINVAL, EOPNOTSUPP. @kernel tc_modify_qdisc()
 */
export function qdiscNew(dev: NetDevice, request: QdiscNew): void {
  if (request.parent !== TC_H_ROOT) refuse('ENOENT', 'Failed to find specified qdisc');
  const old = dev.qdisc !== null && dev.qdisc.handle !== 0 ? dev.qdisc : null;
  const { kind, mode, handle } = request;
  if (handle !== 0 && handle !== old?.handle) {
    if (old !== null && mode !== 'replace')
      refuse('EEXIST', 'Exclusivity flag on, cannot override');
    if ((handle & 0xffff) !== 0) refuse('EINVAL', 'Invalid minor handle');
    create(dev, request);
    return;
  }
  if (old === null) {
    create(dev, request);
    return;
  }
  if (handle === 0 && kind !== undefined && kind !== old.kind) {
    create(dev, { ...request, mode: 'replace' });
    return;
  }
  if (mode === 'add') refuse('EEXIST', 'Exclusivity flag on, cannot modify');
  if (kind !== undefined && kind !== old.kind)
    refuse('EINVAL', 'Invalid qdisc name: must match existing qdisc');
  old.change(request.options);
}

function create(dev: NetDevice, { kind, handle, mode, options }: QdiscNew): void {
  if (mode === 'change') refuse('ENOENT', 'Qdisc not found. To create specify NLM_F_CREATE flag');
  const made = kindOf(dev, kind ?? '').create(dev, options);
  made.handle = handle !== 0 ? handle : autoHandle(dev);
  made.parent = TC_H_ROOT;
  graftRoot(dev, made);
}

/** @errno ENOENT, EINVAL */
export function qdiscDelete(
  dev: NetDevice,
  request: Pick<QdiscNew, 'parent' | 'handle' | 'kind'>,
): void {
  if (request.parent !== TC_H_ROOT) refuse('ENOENT', 'Failed to find specified qdisc');
  const old = dev.qdisc;
  if (old === null || old.handle === 0) refuse('ENOENT', 'Cannot delete qdisc with handle of zero');
  if (request.handle !== 0 && request.handle !== old.handle) refuse('EINVAL', 'Invalid handle');
  if (request.kind !== undefined && request.kind !== old.kind)
    refuse('EINVAL', 'Invalid qdisc name');
  graftRoot(dev, null);
}
