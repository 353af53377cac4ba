/** The file system of a node: one regular file in, one out. */
import { Inject, Injectable } from '@nestjs/common';
import { LabRegistry } from './lab-registry.js';

@Injectable()
export class FilesService {
  constructor(@Inject(LabRegistry) private readonly registry: LabRegistry) {}

  async read(lab: string, node: string, path: string | string[]): Promise<Uint8Array> {
    const runner = await this.registry.get(lab).running();
    return runner.readFile(node, absolute(path));
  }

  /** An empty body is an empty file. */
  async write(
    lab: string,
    node: string,
    path: string | string[],
    body: unknown,
    mode?: number,
  ): Promise<void> {
    const data = body instanceof Uint8Array ? new Uint8Array(body) : new Uint8Array();
    await this.registry
      .get(lab)
      .change((runner) => runner.writeFile(node, absolute(path), data, mode));
  }
}

function absolute(path: string | string[]): string {
  return `/${Array.isArray(path) ? path.join('/') : path}`;
}
