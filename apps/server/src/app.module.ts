/** Everything the server is made of, put together for one configuration. */
import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { CapturesController } from './captures/captures.controller.js';
import { CapturesService } from './captures/captures.service.js';
import type { ServerConfig } from './config.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ClockController } from './labs/clock.controller.js';
import { ClockService } from './labs/clock.service.js';
import { EditService } from './labs/edit.service.js';
import { ExecService } from './labs/exec.service.js';
import { FilesController } from './labs/files.controller.js';
import { FilesService } from './labs/files.service.js';
import { LabRegistry } from './labs/lab-registry.js';
import { LabsController } from './labs/labs.controller.js';
import { LabsService } from './labs/labs.service.js';
import { LinksController } from './labs/links.controller.js';
import { NodesController } from './labs/nodes.controller.js';
import { HealthController } from './ops/health.controller.js';
import { HomeController } from './ops/home.controller.js';
import { MetricsController } from './ops/metrics.controller.js';
import { MetricsService } from './ops/metrics.service.js';
import type { RunnerFactory } from './runner/runner-factory.js';
import { CaptureSocket } from './sockets/capture.socket.js';
import { EthernetSocket } from './sockets/ethernet.socket.js';
import { EventsSocket } from './sockets/events.socket.js';
import { SocketRouter } from './sockets/socket-router.js';
import { TerminalSocket } from './sockets/terminal.socket.js';
import { LabStore } from './store/lab-store.js';
import { CONFIG, RUNNER_FACTORY } from './tokens.js';

@Module({})
export class AppModule {
  static of(config: ServerConfig, database: DataSource, runners: RunnerFactory): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        LabsController,
        NodesController,
        LinksController,
        FilesController,
        CapturesController,
        ClockController,
        HealthController,
        MetricsController,
        HomeController,
      ],
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: DataSource, useValue: database },
        { provide: RUNNER_FACTORY, useValue: runners },
        { provide: APP_FILTER, useClass: ProblemFilter },
        LabStore,
        LabRegistry,
        LabsService,
        EditService,
        ExecService,
        FilesService,
        ClockService,
        CapturesService,
        MetricsService,
        SocketRouter,
        EventsSocket,
        CaptureSocket,
        TerminalSocket,
        EthernetSocket,
      ],
    };
  }
}
