/** The OpenAPI document and its browser. Made when it is first asked for, so that starting stays quick. */
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';

const DESCRIPTION = `Multi-host virtual network emulation: labs of simulated Linux hosts.

\`:lab\` is a lab's id or name. Errors are RFC 9457 problem documents; validation errors list every fault by path.
Virtual times are nanoseconds since the lab began. WebSockets: \`/api/labs/:lab/events\`,
\`/api/labs/:lab/captures/:id/stream\`, \`/api/labs/:lab/nodes/:node/terminal\`,
\`/api/labs/:lab/nodes/:node/interfaces/:iface/ethernet\`.`;

export function serveOpenApi(app: NestExpressApplication): void {
  let document: OpenAPIObject | undefined;
  const make = (): OpenAPIObject => {
    const builder = new DocumentBuilder()
      .setTitle('Netloom')
      .setDescription(DESCRIPTION)
      .setVersion('0.1.0')
      .addBearerAuth()
      .addGlobalResponse({
        status: 'default',
        description: 'A problem (RFC 9457)',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      });
    document ??= SwaggerModule.createDocument(app, builder.build());
    return document;
  };
  SwaggerModule.setup('api/docs', app, make, {
    jsonDocumentUrl: 'api/openapi.json',
    yamlDocumentUrl: 'api/openapi.yaml',
    customSiteTitle: 'Netloom API',
  });
}
