import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
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
import type { LinkDocument } from '@netloom/lab';
import type { Response } from '../http/express.js';
import { LinkAnswer, LinksAnswer } from '../http/schemas.js';
import { LINK_PATCH_SCHEMA, LINK_SCHEMA } from '../http/topology-schema.js';
import { EditService } from './edit.service.js';

@ApiTags('links')
@Controller('api/labs/:lab/links')
export class LinksController {
  constructor(@Inject(EditService) private readonly edit: EditService) {}

  @Post()
  @ApiConsumes('application/json', 'application/yaml')
  @ApiBody({ schema: LINK_SCHEMA })
  @ApiCreatedResponse({ standardSchema: LinkAnswer })
  async add(
    @Param('lab') lab: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LinkDocument> {
    const link = await this.edit.addLink(lab, body);
    response.setHeader('Location', `/api/labs/${encodeURIComponent(lab)}/links/${link.id}`);
    return link;
  }

  @Get()
  @ApiOkResponse({ standardSchema: LinksAnswer })
  list(@Param('lab') lab: string): Promise<readonly LinkDocument[]> {
    return this.edit.links(lab);
  }

  @Get(':link')
  @ApiOkResponse({ standardSchema: LinkAnswer })
  show(@Param('lab') lab: string, @Param('link') link: string): Promise<LinkDocument> {
    return this.edit.link(lab, link);
  }

  @Patch(':link')
  @ApiBody({ schema: LINK_PATCH_SCHEMA })
  @ApiOkResponse({ standardSchema: LinkAnswer })
  patch(
    @Param('lab') lab: string,
    @Param('link') link: string,
    @Body() body: unknown,
  ): Promise<LinkDocument> {
    return this.edit.patchLink(lab, link, body);
  }

  @Delete(':link')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@Param('lab') lab: string, @Param('link') link: string): Promise<void> {
    return this.edit.removeLink(lab, link);
  }
}
