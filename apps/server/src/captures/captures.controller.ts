import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  Body,
  Controller,
  Delete,
  Get,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Request, Response } from '../http/express.js';
import {
  CaptureAnswer,
  CaptureBody,
  CapturesAnswer,
  FollowQuery,
  PurgeQuery,
} from '../http/schemas.js';
import { CapturesService } from './captures.service.js';

@ApiTags('captures')
@Controller('api/labs/:lab/captures')
export class CapturesController {
  constructor(@Inject(CapturesService) private readonly captures: CapturesService) {}

  @Post()
  @ApiCreatedResponse({ standardSchema: CaptureAnswer })
  async start(
    @Param('lab') lab: string,
    @Body({ schema: CaptureBody }) body: CaptureBody,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CaptureAnswer> {
    const capture = await this.captures.start(lab, body);
    response.setHeader('Location', `/api/labs/${encodeURIComponent(lab)}/captures/${capture.id}`);
    return capture;
  }

  @Get()
  @ApiOkResponse({ standardSchema: CapturesAnswer })
  list(@Param('lab') lab: string): Promise<CaptureAnswer[]> {
    return this.captures.list(lab);
  }

  @Get(':id')
  @ApiOkResponse({ standardSchema: CaptureAnswer })
  show(@Param('lab') lab: string, @Param('id') id: string): Promise<CaptureAnswer> {
    return this.captures.show(lab, id);
  }

  /** Whole so far, or with `follow` as it comes until the capture stops; `curl -N … | wireshark -k -i -`. */
  @Get(':id/file')
  @ApiProduces('application/x-pcapng', 'application/vnd.tcpdump.pcap')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  async file(
    @Param('lab') lab: string,
    @Param('id') id: string,
    @Query({ schema: FollowQuery }) query: FollowQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { file, fileName, mediaType } = await this.captures.file(lab, id);
    const follow = query.follow === true;
    const upTo = follow ? undefined : file.size;
    response
      .type(mediaType)
      .set('Content-Disposition', `attachment; filename="${fileName}"`)
      .set('Cache-Control', 'no-store');
    if (upTo !== undefined) response.setHeader('Content-Length', upTo);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.flushHeaders();
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const pieces = file.read({
      follow,
      signal: gone.signal,
      ...(upTo === undefined ? {} : { upTo }),
    });
    await pipeline(Readable.from(pieces), response).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error; // a reader that goes away is no error
    });
  }

  @Delete(':id')
  @ApiOkResponse({ standardSchema: CaptureAnswer, description: 'Stopped; its file stays' })
  @ApiNoContentResponse({ description: 'With `purge`: stopped, and its file removed' })
  async stop(
    @Param('lab') lab: string,
    @Param('id') id: string,
    @Query({ schema: PurgeQuery }) query: PurgeQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CaptureAnswer | undefined> {
    if (query.purge !== true) return this.captures.stop(lab, id);
    await this.captures.purge(lab, id);
    response.status(204);
    return undefined;
  }
}
