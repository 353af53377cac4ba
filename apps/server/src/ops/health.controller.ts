import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { ProblemError } from '../http/problem.js';
import { ProblemAnswer } from '../http/schemas.js';
import { LabRegistry } from '../labs/lab-registry.js';
import { LabStore } from '../store/lab-store.js';

@ApiTags('operation')
@Controller('api/health')
export class HealthController {
  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(LabStore) private readonly store: LabStore,
  ) {}

  /** The process answers. */
  @Get('live')
  @ApiOkResponse()
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The database answers, and the labs of the last run have been brought back. */
  @Get('ready')
  @ApiOkResponse()
  @ApiServiceUnavailableResponse({ standardSchema: ProblemAnswer })
  async ready(): Promise<{ status: 'ok'; labs: number }> {
    try {
      await this.store.check();
    } catch {
      throw new ProblemError(503, 'The database does not answer.');
    }
    if (!this.registry.restored) throw new ProblemError(503, 'Labs are still being brought back.');
    return { status: 'ok', labs: this.registry.all().length };
  }
}
