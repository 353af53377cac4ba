import { Body, Controller, Get, HttpCode, Inject, Param, Put, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiParam,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from '../http/express.js';
import { FileQuery } from '../http/schemas.js';
import { FilesService } from './files.service.js';

const BINARY = { type: 'string', format: 'binary' } as const;

@ApiTags('files')
@Controller('api/labs/:lab/nodes/:node/files')
export class FilesController {
  constructor(@Inject(FilesService) private readonly files: FilesService) {}

  @Get('*path')
  @ApiParam({ name: 'path', type: 'string', description: 'Path below the root of the node' })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ schema: BINARY })
  async read(
    @Param('lab') lab: string,
    @Param('node') node: string,
    @Param('path') path: string | string[],
    @Res() response: Response,
  ): Promise<void> {
    const data = await this.files.read(lab, node, path);
    response.type('application/octet-stream').end(data);
  }

  @Put('*path')
  @HttpCode(204)
  @ApiParam({ name: 'path', type: 'string' })
  @ApiConsumes('application/octet-stream')
  @ApiBody({ schema: BINARY })
  @ApiNoContentResponse()
  write(
    @Param('lab') lab: string,
    @Param('node') node: string,
    @Param('path') path: string | string[],
    @Query({ schema: FileQuery }) query: FileQuery,
    @Body() body: unknown,
  ): Promise<void> {
    return this.files.write(lab, node, path, body, query.mode);
  }
}
