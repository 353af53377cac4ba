/**
 * Directories of a host's tree: what the host has changed, over an immutable template, over the pseudo registry.
 *
 * A {@link DirNode} costs nothing for what nobody has touched: a name is looked up in the host's own entries, then in
 * the template (which makes a node of the host's own), then among the pseudo files registered below the same path.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, type DirEntry, type FileType } from '@netloom/sys';
import type { FileDescription } from './file-description.js';
import { FileNode, Inode, SymlinkNode } from './inode.js';
import { DirectoryDescription } from './open-file.js';
import { openPseudo, type PseudoDirNode, type PseudoTree } from './pseudo-fs.js';
import type { Task } from './task.js';
import type { TaskHost } from './task-host.js';
import { templateText, type TemplateDir, type TemplateNode } from './template.js';

/** A directory of either sort. */
export type Directory = DirNode | PseudoDirNode;

export class DirNode extends Inode {
  readonly type = 'dir';
  /** Undefined for the root, and once removed. */
  parent: Directory | undefined;
  name: string;
  removed = false;
  private readonly own = new Map<string, Inode>();
  private hidden: Set<string> | undefined;

  constructor(
    private readonly host: TaskHost,
    parent: Directory | undefined,
    name: string,
    mode: number,
    private readonly template?: TemplateDir,
    private readonly pseudo?: PseudoTree,
  ) {
    super(host.nextIno(), mode, template === undefined ? host.engine.now : 0);
    this.parent = parent;
    this.name = name;
  }

  lookup(task: Task, name: string): Inode | undefined {
    const mine = this.own.get(name);
    if (mine !== undefined) return mine;
    if (this.hidden?.has(name) === true) return undefined;
    const template = this.template?.entries.get(name);
    const pseudo = this.pseudo?.child(name);
    if (template !== undefined) {
      const node = this.materialise(template, name, pseudo?.kind === 'tree' ? pseudo : undefined);
      this.own.set(name, node);
      return node;
    }
    return pseudo === undefined
      ? this.pseudo?.dynamic(task, this, name)
      : openPseudo(task, this, name, pseudo);
  }

  private materialise(template: TemplateNode, name: string, pseudo: PseudoTree | undefined): Inode {
    const { host } = this;
    switch (template.kind) {
      case 'dir':
        return new DirNode(host, this, name, template.mode, template, pseudo);
      case 'link':
        return new SymlinkNode(host.nextIno(), 0, template.target);
      case 'file': {
        const node = new FileNode(host.nextIno(), template.mode, 0).share(
          templateText(template, host),
        );
        node.exec = template.exec;
        return node;
      }
    }
  }

  /** Entries by name, without `.` and `..`. */
  list(task: Task): DirEntry[] {
    const found = new Map<string, FileType>();
    for (const [name, template] of this.template?.entries ?? [])
      found.set(name, TEMPLATE_TYPE[template.kind]);
    for (const name of this.pseudo?.names(task) ?? []) {
      if (!found.has(name)) found.set(name, this.lookup(task, name)?.type ?? 'file');
    }
    for (const name of this.hidden ?? []) found.delete(name);
    for (const [name, node] of this.own) found.set(name, node.type);
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, type]) => ({ name, type }));
  }

  isEmpty(task: Task): boolean {
    return this.list(task).length === 0;
  }

  insert(name: string, node: Inode): void {
    if (this.removed) throw new KernelError('ENOENT');
    this.own.set(name, node);
    if (node instanceof DirNode) {
      node.parent = this;
      node.name = name;
    }
    this.mtimeNs = this.host.engine.now;
  }

  remove(name: string): void {
    this.own.delete(name);
    const below =
      this.template?.entries.has(name) === true || this.pseudo?.child(name) !== undefined;
    if (below) (this.hidden ??= new Set()).add(name);
    this.mtimeNs = this.host.engine.now;
  }

  override size(): number {
    return 4096;
  }

  override stat(task: Task): ReturnType<Inode['stat']> {
    const below = this.list(task).filter((entry) => entry.type === 'dir').length;
    return { ...super.stat(task), nlink: 2 + below };
  }

  open(_task: Task, flags: number): FileDescription {
    if ((flags & OpenFlag.O_ACCMODE) !== OpenFlag.O_RDONLY) throw new KernelError('EISDIR');
    return new DirectoryDescription(this, flags);
  }
}

const TEMPLATE_TYPE = { dir: 'dir', link: 'symlink', file: 'file' } as const;

/** The absolute path of a directory; ENOENT where it has been removed. */
export function pathOfDirectory(directory: Directory): string {
  if (directory instanceof DirNode && directory.removed) throw new KernelError('ENOENT');
  return directoryText(directory);
}

/** Its path as /proc shows it, also of one that has been removed. */
export function directoryText(directory: Directory): string {
  const names: string[] = [];
  for (let at: Directory = directory; at.parent !== undefined; at = at.parent) names.push(at.name);
  const path = `/${names.reverse().join('/')}`;
  return directory instanceof DirNode && directory.removed ? `${path} (deleted)` : path;
}
