/** The one place where an error becomes an answer: `application/problem+json` whatever was thrown. */
import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from './express.js';
import type { ServerConfig } from '../config.js';
import { CONFIG } from '../tokens.js';
import { toProblem } from './problem.js';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(CONFIG) private readonly config: ServerConfig) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const problem = toProblem(error);
    if (problem.status === 500) {
      const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.config.log('error', `${request.method} ${request.path}: ${trace}`);
    }
    if (response.headersSent) {
      response.destroy(); // a stream that broke in the middle must not look complete
      return;
    }
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    response.status(problem.status).setHeader('Content-Type', 'application/problem+json');
    response.end(JSON.stringify(problem));
  }
}
