/** Shapes of requests and answers: checked at the door, and the source of the OpenAPI document. */
import { parseDurationNs } from '@netloom/base';
import { z } from 'zod';

/** `10ms`, `1.5s`, or a bare number of seconds; nanoseconds behind the door. */
const duration = z
  .union([z.string(), z.number().nonnegative()])
  .transform((value, context) => {
    const ns = parseDurationNs(value);
    if (ns !== undefined && Number.isSafeInteger(ns)) return ns;
    context.addIssue({
      code: 'custom',
      message: 'must be a time such as "10ms" or a number of seconds',
    });
    return z.NEVER;
  })
  .meta({
    description: 'A time such as "10ms", or a number of seconds',
    example: '10ms',
  });

const clockMode = z.enum(['realtime', 'fast', 'paused']);

export const ExecBody = z
  .strictObject({
    command: z.string().min(1).max(131_072).meta({ example: 'ping -c 3 10.2.0.2' }),
    timeout: duration.optional(),
    stdin: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'ExecRequest' });
export type ExecBody = z.output<typeof ExecBody>;

const interfaceName = z.string().min(1).max(64);
const source = z.strictObject({ node: z.string().min(1), interface: interfaceName });

export const CaptureBody = z
  .strictObject({
    node: z.string().min(1).optional(),
    interface: interfaceName.optional().meta({ description: 'A name, or "any"' }),
    sources: z
      .array(source)
      .min(1)
      .max(256)
      .optional()
      .meta({ description: 'Several interfaces in one pcapng' }),
    filter: z
      .string()
      .max(4096)
      .optional()
      .meta({ description: 'pcap-filter(7)', example: 'icmp' }),
    snaplen: z.int().min(1).max(262_144).optional(),
    format: z.enum(['pcapng', 'pcap']).optional(),
  })
  .superRefine((body, context) => {
    if (body.sources !== undefined) {
      if (body.node === undefined && body.interface === undefined) return;
      context.addIssue({
        code: 'custom',
        path: ['sources'],
        message: 'stands instead of node and interface',
      });
      return;
    }
    for (const key of ['node', 'interface'] as const) {
      if (body[key] === undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'is required' });
    }
  })
  .meta({ id: 'CaptureRequest' });
export type CaptureBody = z.output<typeof CaptureBody>;

export const ClockBody = z
  .strictObject({ mode: clockMode.optional(), rate: z.number().positive().max(1000).optional() })
  .meta({ id: 'ClockPatch' });
export type ClockBody = z.output<typeof ClockBody>;

export const StepBody = z.strictObject({ by: duration }).meta({ id: 'ClockStep' });
export type StepBody = z.output<typeof StepBody>;

export const CreateQuery = z.strictObject({
  seed: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  clock: clockMode.optional(),
  rate: z.coerce.number().positive().max(1000).optional(),
  restore: z
    .enum(['replay', 'recreate'])
    .optional()
    .meta({ description: 'How the lab comes back after a restart' }),
});
export type CreateQuery = z.output<typeof CreateQuery>;

/** The client's way of saying yes in a query. */
const flag = z
  .enum(['', 'true', 'false', '1', '0'])
  .transform((text) => text === 'true' || text === '1' || text === '')
  .optional()
  .meta({ example: 'true' });

export const FollowQuery = z.object({ follow: flag });
export type FollowQuery = z.output<typeof FollowQuery>;
export const PurgeQuery = z.object({ purge: flag });
export type PurgeQuery = z.output<typeof PurgeQuery>;

export const FileQuery = z.object({
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be permission bits such as 755')
    .transform((text) => Number.parseInt(text, 8))
    .optional()
    .meta({ type: 'string', example: '755' }),
});
export type FileQuery = z.output<typeof FileQuery>;

// --- answers ---------------------------------------------------------------------------------------------------------

const count = z.number().int();
const impairment = z.object({
  loss: z.number().optional(),
  duplicate: z.number().optional(),
  corrupt: z.number().optional(),
  reorder: z.number().optional(),
  rateBits: count.optional(),
  limit: count.optional(),
  delayNs: count.optional(),
  jitterNs: count.optional(),
});

export const ProblemAnswer = z
  .object({
    type: z.string(),
    title: z.string(),
    status: count,
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

export const ClockAnswer = z
  .object({ mode: clockMode, rate: z.number(), nowNs: count, epochSec: count, lagMs: z.number() })
  .meta({ id: 'Clock' });

export const LinkAnswer = z
  .object({
    id: z.string(),
    endpoints: z.array(z.object({ node: z.string(), interface: z.string(), mac: z.string() })),
    mtu: count,
    up: z.boolean(),
    netem: z.object({ a: impairment, z: impairment }),
  })
  .meta({ id: 'Link' });

const nodeSummary = {
  name: z.string(),
  kind: z.enum(['linux', 'bridge']),
  cpus: count,
  group: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  interfaces: z.array(z.string()),
  addresses: z.array(z.string()),
};
export const NodeSummaryAnswer = z.object(nodeSummary).meta({ id: 'NodeSummary' });

export const NodeSummariesAnswer = z.array(NodeSummaryAnswer);
export const LinksAnswer = z.array(LinkAnswer);

export const LabAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(['starting', 'running', 'failed', 'destroyed']),
    seed: count,
    createdAt: z.string(),
    clock: ClockAnswer,
    nodes: z.array(NodeSummaryAnswer),
    links: z.array(LinkAnswer),
    fingerprint: z.string(),
    warnings: z.array(z.string()),
    deploy: z.array(
      z.object({
        node: z.string(),
        command: z.string(),
        exitCode: count,
        stdout: z.string(),
        stderr: z.string(),
      }),
    ),
    failure: z.string().optional(),
  })
  .meta({ id: 'Lab' });
export const LabsAnswer = z.array(LabAnswer);

const address = z.object({
  family: z.enum(['inet', 'inet6']),
  address: z.string(),
  prefixLength: count,
  broadcast: z.string().optional(),
  scope: z.string(),
  label: z.string().optional(),
});
const networkInterface = z.object({
  ifindex: count,
  name: z.string(),
  kind: z.string().optional(),
  mac: z.string(),
  mtu: count,
  flags: z.array(z.string()),
  operstate: z.string(),
  master: z.string().optional(),
  link: z.string().optional(),
  addresses: z.array(address),
  counters: z.record(z.string(), z.number()),
});
const route = z.object({
  family: z.enum(['inet', 'inet6']),
  type: z.string(),
  destination: z.string(),
  table: z.string(),
  protocol: z.string(),
  scope: z.string(),
  metric: count.optional(),
  source: z.string().optional(),
  nextHops: z.array(z.object({ via: z.string().optional(), interface: z.string(), weight: count })),
});
export const NodeAnswer = z
  .object({
    ...nodeSummary,
    processes: z.array(
      z.object({ pid: count, ppid: count, argv: z.array(z.string()), state: z.string() }),
    ),
    namespaces: z.array(
      z.object({ name: z.string(), interfaces: z.array(networkInterface), routes: z.array(route) }),
    ),
  })
  .meta({ id: 'Node' });

export const ExecAnswer = z
  .object({
    exitCode: count,
    stdout: z.string(),
    stderr: z.string(),
    virtualTime: count.meta({
      description: 'When the command ended: virtual nanoseconds since the lab began',
    }),
    truncated: z.boolean(),
  })
  .meta({ id: 'ExecResult' });

export const CaptureAnswer = z
  .object({
    id: z.string(),
    sources: z.array(source),
    filter: z.string().optional(),
    snaplen: count,
    format: z.enum(['pcapng', 'pcap']),
    state: z.enum(['running', 'stopped']),
    startedNs: count,
    stoppedNs: count.optional(),
    packets: count,
    bytes: count,
    dropped: count,
    stopReason: z.string().optional(),
    createdAt: z.string(),
  })
  .meta({ id: 'Capture' });
export type CaptureAnswer = z.output<typeof CaptureAnswer>;
export const CapturesAnswer = z.array(CaptureAnswer);
