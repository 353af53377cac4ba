import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { LabDocument } from '@netloom/lab';
import type { Request, Response } from '../http/express.js';
import { stringify } from 'yaml';
import { CreateQuery, LabAnswer, LabsAnswer } from '../http/schemas.js';
import { TOPOLOGY_EXAMPLE, TOPOLOGY_SCHEMA } from '../http/topology-schema.js';
import { LabsService } from './labs.service.js';

@ApiTags('labs')
@Controller('api/labs')
export class LabsController {
  constructor(@Inject(LabsService) private readonly labs: LabsService) {}

  @Post()
  @ApiConsumes('application/json', 'application/yaml')
  @ApiBody({ schema: TOPOLOGY_SCHEMA, examples: { 'two-subnets': { value: TOPOLOGY_EXAMPLE } } })
  @ApiCreatedResponse({ standardSchema: LabAnswer })
  async create(
    @Body() body: unknown,
    @Query({ schema: CreateQuery }) query: CreateQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LabDocument> {
    const lab = await this.labs.create(body, query);
    response.setHeader('Location', `/api/labs/${lab.id}`);
    return lab;
  }

  @Get()
  @ApiOkResponse({ standardSchema: LabsAnswer })
  list(): Promise<LabDocument[]> {
    return this.labs.list();
  }

  @Get(':lab')
  @ApiOkResponse({ standardSchema: LabAnswer })
  show(@Param('lab') lab: string): Promise<LabDocument> {
    return this.labs.show(lab);
  }

  @Delete(':lab')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@Param('lab') lab: string): Promise<void> {
    return this.labs.remove(lab);
  }

  @Get(':lab/topology')
  @ApiProduces('application/yaml', 'application/json')
  @ApiOkResponse({ schema: TOPOLOGY_SCHEMA })
  async topology(
    @Param('lab') lab: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const document = await this.labs.topology(lab);
    const wanted = request.accepts([
      'application/yaml',
      'application/json',
      'text/yaml',
      'application/x-yaml',
    ]);
    response.setHeader('Vary', 'Accept');
    if (wanted === 'application/json') response.json(document);
    else response.type(wanted === false ? 'application/yaml' : wanted).send(stringify(document));
  }
}
