import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { NodeDetail, NodeSummary } from '@netloom/lab';
import type { Request, Response } from '../http/express.js';
import {
  ExecAnswer,
  ExecBody,
  NodeAnswer,
  NodeSummariesAnswer,
  NodeSummaryAnswer,
} from '../http/schemas.js';
import { NEW_NODE_SCHEMA } from '../http/topology-schema.js';
import { EditService } from './edit.service.js';
import { ExecService, type ExecOutcome } from './exec.service.js';

@ApiTags('nodes')
@Controller('api/labs/:lab/nodes')
export class NodesController {
  constructor(
    @Inject(EditService) private readonly edit: EditService,
    @Inject(ExecService) private readonly commands: ExecService,
  ) {}

  @Post()
  @ApiConsumes('application/json', 'application/yaml')
  @ApiBody({ schema: NEW_NODE_SCHEMA })
  @ApiCreatedResponse({ standardSchema: NodeSummaryAnswer })
  async add(
    @Param('lab') lab: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NodeSummary> {
    const node = await this.edit.addNode(lab, body);
    response.setHeader(
      'Location',
      `/api/labs/${encodeURIComponent(lab)}/nodes/${encodeURIComponent(node.name)}`,
    );
    return node;
  }

  @Get()
  @ApiOkResponse({ standardSchema: NodeSummariesAnswer })
  list(@Param('lab') lab: string): Promise<readonly NodeSummary[]> {
    return this.edit.nodes(lab);
  }

  @Get(':node')
  @ApiOkResponse({ standardSchema: NodeAnswer })
  show(@Param('lab') lab: string, @Param('node') node: string): Promise<NodeDetail> {
    return this.edit.node(lab, node);
  }

  @Delete(':node')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@Param('lab') lab: string, @Param('node') node: string): Promise<void> {
    return this.edit.removeNode(lab, node);
  }

  @Post(':node/exec')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: ExecAnswer })
  exec(
    @Param('lab') lab: string,
    @Param('node') node: string,
    @Body({ schema: ExecBody }) body: ExecBody,
    @Req() request: Request,
  ): Promise<ExecOutcome> {
    return this.commands.exec(lab, node, body, request.socket);
  }
}
