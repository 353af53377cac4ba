/**
 * Numbers for Prometheus: requests, labs, captures, and Node's own.
 *
 * Labs are asked when somebody scrapes, each for at most half a second: one that is busy is missing from that scrape.
 */
import { Inject, Injectable } from '@nestjs/common';
import type { NextFunction, Request, Response } from '../http/express.js';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { CapturesService } from '../captures/captures.service.js';
import { LabRegistry } from '../labs/lab-registry.js';
import { withTimeout } from '../labs/timeout.js';

const LAB_MS = 500;

@Injectable()
export class MetricsService {
  readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'netloom_http_request_duration_seconds',
    help: 'Time from request to answer',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [this.registry],
  });
  private readonly labs = this.gauge('netloom_labs', 'Labs by state', ['state']);
  private readonly nodes = this.gauge('netloom_lab_nodes', 'Nodes of a lab', ['lab']);
  private readonly time = this.gauge('netloom_lab_virtual_time_seconds', 'Virtual time of a lab', [
    'lab',
  ]);
  private readonly processes = this.gauge('netloom_lab_processes', 'Processes of a lab', ['lab']);
  private readonly memory = this.gauge(
    'netloom_lab_packet_memory_slots',
    'Packet memory of a lab',
    ['lab', 'state'],
  );
  private readonly captures = this.gauge('netloom_captures_running', 'Captures that run', []);
  private readonly captureBytes = this.gauge(
    'netloom_capture_bytes',
    'Bytes of all capture files',
    [],
  );
  private readonly events = this.counter('netloom_lab_events_total', 'Events that a lab has run', [
    'lab',
  ]);
  private readonly frames = this.counter(
    'netloom_lab_frames_total',
    'Frames that wires have delivered',
    ['lab'],
  );
  private readonly drops = this.counter(
    'netloom_lab_drops_total',
    'Packets dropped, by kernel reason',
    ['lab', 'reason'],
  );

  constructor(
    @Inject(LabRegistry) private readonly labRegistry: LabRegistry,
    @Inject(CapturesService) private readonly captureService: CapturesService,
  ) {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Express middleware; a route is its pattern, so that names of labs make no series. */
  readonly observe = (request: Request, response: Response, next: NextFunction): void => {
    const stop = this.requests.startTimer({ method: request.method });
    response.once('close', () => {
      const { path } = (request.route ?? {}) as { path?: unknown };
      stop({
        route: typeof path === 'string' ? path : 'none',
        status: String(response.statusCode),
      });
    });
    next();
  };

  async text(): Promise<string> {
    const sessions = this.labRegistry.all();
    for (const metric of [this.labs, this.nodes, this.time, this.processes, this.memory])
      metric.reset();
    for (const metric of [this.events, this.frames, this.drops]) metric.reset();
    for (const state of ['starting', 'running', 'failed'] as const) {
      this.labs.set({ state }, sessions.filter((session) => session.state === state).length);
    }
    this.captures.set(this.captureService.runningCount());
    this.captureBytes.set(this.captureService.diskBytes());
    await Promise.all(
      sessions
        .filter((session) => session.state === 'running')
        .map(async ({ facts: { name: lab }, runner }) => {
          const [statistics, info] = await withTimeout(
            Promise.all([runner.statistics(), runner.info()]),
            LAB_MS,
          );
          this.nodes.set({ lab }, info.nodes.length);
          this.time.set({ lab }, statistics.virtualTimeNs / 1e9);
          this.processes.set({ lab }, statistics.processes);
          this.memory.set({ lab, state: 'used' }, statistics.packetMemory.usedSlots);
          this.memory.set({ lab, state: 'total' }, statistics.packetMemory.totalSlots);
          this.events.inc({ lab }, statistics.events);
          this.frames.inc({ lab }, statistics.frames);
          for (const [reason, count] of Object.entries(statistics.drops))
            this.drops.inc({ lab, reason }, count);
        })
        .map((asked) => asked.catch(() => undefined)), // busy or dying: missing from this scrape
    );
    return this.registry.metrics();
  }

  private gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
