import { Body, Controller, Get, HttpCode, Inject, Param, Patch, Post } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { ClockDocument } from '@netloom/lab';
import { ClockAnswer, ClockBody, StepBody } from '../http/schemas.js';
import { ClockService } from './clock.service.js';

@ApiTags('clock')
@Controller('api/labs/:lab/clock')
export class ClockController {
  constructor(@Inject(ClockService) private readonly clock: ClockService) {}

  @Get()
  @ApiOkResponse({ standardSchema: ClockAnswer })
  show(@Param('lab') lab: string): Promise<ClockDocument> {
    return this.clock.show(lab);
  }

  @Patch()
  @ApiOkResponse({ standardSchema: ClockAnswer })
  patch(
    @Param('lab') lab: string,
    @Body({ schema: ClockBody }) body: ClockBody,
  ): Promise<ClockDocument> {
    return this.clock.patch(lab, body);
  }

  @Post('step')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: ClockAnswer })
  step(
    @Param('lab') lab: string,
    @Body({ schema: StepBody }) body: StepBody,
  ): Promise<ClockDocument> {
    return this.clock.step(lab, body.by);
  }
}
