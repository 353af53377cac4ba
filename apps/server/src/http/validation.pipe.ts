/** Checks what a controller's parameter names a schema for; every fault is listed by path. */
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { invalid, pathText } from './problem.js';

export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      invalid(
        issues.map((issue) => ({
          path: pathText(
            (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part)),
          ),
          message: issue.message,
        })),
      ),
  });
}
