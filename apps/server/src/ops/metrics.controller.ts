import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from '../http/express.js';
import { MetricsService } from './metrics.service.js';

@ApiExcludeController()
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(MetricsService) private readonly metrics: MetricsService) {}

  @Get()
  async text(@Res() response: Response): Promise<void> {
    const body = await this.metrics.text();
    response.setHeader('Content-Type', this.metrics.registry.contentType);
    response.end(body);
  }
}
