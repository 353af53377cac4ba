/**
 * Which bodies are taken: JSON and YAML for documents, anything for a node's files; all within one size limit.
 *
 * YAML arrives as text, since the topology parser reports faults by line. Everything else is 415.
 */
import type { IncomingMessage } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from './express.js';
import { ProblemError } from './problem.js';

const FILE_PATH = /^\/api\/labs\/[^/]+\/nodes\/[^/]+\/files\//;
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'];

export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
}

const isFile = (request: IncomingMessage): boolean => FILE_PATH.test(request.url ?? '');
const isYaml = (request: IncomingMessage): boolean =>
  !isFile(request) && YAML_TYPES.includes(mediaType(request));
const isJson = (request: IncomingMessage): boolean =>
  !isFile(request) && /^application\/([a-z0-9.+-]+\+)?json$/.test(mediaType(request));

export function useBodies(app: NestExpressApplication, limit: number): void {
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (!hasBody(request) || isFile(request) || isYaml(request) || isJson(request)) return next();
    const type = mediaType(request) || 'no media type';
    return next(
      new ProblemError(415, `Send application/json or application/yaml; this is ${type}.`),
    );
  });
  app.useBodyParser('raw', { type: isFile, limit });
  app.useBodyParser('text', { type: isYaml, limit });
  app.useBodyParser('json', { type: isJson, limit, strict: false });
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return (
    request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
  );
}
