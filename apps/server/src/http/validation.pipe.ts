/** Checks what a controller's parameter names a schema for; every fault is listed by path. */
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { invalid, pathText } from './problem.js';

export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      invalid(
        issues.flatMap((issue) => {
          const path = (issue.path ?? []).map((part) =>
            typeof part === 'object' ? part.key : part,
          );
          // Zod reports unknown keys together, at the map that has them.
          const unknown = 'keys' in issue && Array.isArray(issue.keys) ? issue.keys : [];
          return unknown.length > 0
            ? unknown.map((key) => ({
                path: pathText([...path, String(key)]),
                message: 'unknown key',
              }))
            : [{ path: pathText(path), message: issue.message }];
        }),
      ),
  });
}
