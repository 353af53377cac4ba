/** Functions as bash prints them (`type f`, `declare -f`, `set`): its own layout from the syntax tree. */
import type {
  AndOr,
  Command,
  CommandNode,
  CompoundList,
  HereDoc,
  PipelineNode,
  Redirection,
  Statement,
  TestExpression,
  Word,
} from 'unbash';
import type { ShellFunction } from './shell.js';
import type { Source } from './source.js';

/** `f () \n{ \n    …\n}`. */
export function printFunction(fn: ShellFunction): string {
  const printer = new Printer(fn.source.text);
  return `${fn.name} () \n${printer.functionBody(fn.body)}`;
}

export type PrintableNode = PipelineNode | AndOr | CommandNode | CompoundList;

/** A command in one piece, as jobs and messages show it. */
export function printNode(node: PrintableNode, source: Source): string {
  return new Printer(source.text).node(node);
}

class Printer {
  private indent = 0;
  private hereDocs: HereDoc[] = [];

  constructor(private readonly text: string) {}

  functionBody(body: ShellFunction['body']): string {
    if (body.type === 'BraceGroup') return this.braces(body.body);
    if (body.type === 'Redirected' && body.command.type === 'BraceGroup')
      return `${this.braces(body.command.body)}${this.redirects(body.redirects)}`;
    if (body.type === 'CompoundList') return this.braces(body);
    this.indent++;
    const inner = this.pad() + this.node(body);
    this.indent--;
    return `{ \n${inner}\n}`;
  }

  private pad(): string {
    return '    '.repeat(this.indent);
  }

  private braces(list: CompoundList): string {
    return `{ \n${this.block(list, '')}\n${this.pad()}}`;
  }

  /** A list one level deeper; `last` ends its last command. */
  private block(list: CompoundList, last: string): string {
    this.indent++;
    const lines = this.statements(list.commands, last);
    this.indent--;
    return lines;
  }

  private statements(statements: readonly Statement[], last: string): string {
    return statements
      .map((statement, at) => {
        const ending =
          statement.background === true ? ' &' : at < statements.length - 1 ? ';' : last;
        const body = this.node(statement.command);
        const docs = this.hereDocs
          .splice(0)
          .map((doc) => `\n${doc.body.text}${doc.delimiter?.value ?? ''}`)
          .join('');
        return (
          this.pad() +
          body +
          (docs === '' ? ending : docs + (at < statements.length - 1 ? '' : '\n'))
        );
      })
      .join('\n');
  }

  private word(word: Word): string {
    return word.text;
  }

  private redirects(list: readonly Redirection[]): string {
    return list.map((redirect) => ` ${this.redirect(redirect)}`).join('');
  }

  private redirect(redirect: Redirection): string {
    const { descriptor } = redirect;
    const fd =
      descriptor === undefined
        ? ''
        : descriptor.type === 'FileDescriptor'
          ? String(descriptor.value)
          : `{${descriptor.name}}`;
    if (redirect.type === 'HereDoc') {
      this.hereDocs.push(redirect);
      return `${fd}${redirect.operator}${redirect.delimiter?.text ?? ''}`;
    }
    const target = redirect.target === undefined ? '' : this.word(redirect.target);
    if (redirect.operator === '>&' || redirect.operator === '<&')
      return `${fd === '' ? (redirect.operator === '>&' ? '1' : '0') : fd}${redirect.operator}${target}`;
    return `${fd}${redirect.operator} ${target}`;
  }

  private command(node: Command): string {
    const words: string[] = [];
    for (const item of node.prefix) if (item.type === 'Assignment') words.push(item.text);
    if (node.name !== undefined) words.push(this.word(node.name));
    for (const argument of node.args) words.push(argument.text);
    return (words.join(' ') + this.redirects(node.redirects)).trimStart();
  }

  node(node: PrintableNode): string {
    switch (node.type) {
      case 'Command':
        return this.command(node);
      case 'AndOr':
        return node.commands
          .map(
            (command, at) =>
              (at === 0 ? '' : ` ${node.operators[at - 1] ?? ''} `) + this.node(command),
          )
          .join('');
      case 'Pipeline': {
        const prefix = node.prefixes
          .map((own) =>
            own.type === 'Negation' ? '! ' : own.posix === undefined ? 'time ' : 'time -p ',
          )
          .join('');
        return (
          prefix +
          node.commands
            .map(
              (command, at) =>
                (at === 0 ? '' : node.operators[at - 1] === '|&' ? ' 2>&1 | ' : ' | ') +
                this.node(command),
            )
            .join('')
        );
      }
      case 'CompoundList':
        return this.statements(node.commands, '').trimStart();
      case 'BraceGroup':
        return this.braces(node.body);
      case 'Subshell':
        return `( ${this.statements(node.body.commands, '').trimStart()} )`;
      case 'Redirected':
        return this.node(node.command) + this.redirects(node.redirects);
      case 'If': {
        let out = `if ${this.condition(node.clause)}; then\n${this.block(node.then, ';')}\n`;
        let closings = 0;
        for (const branch of node.elif) {
          out += `${this.pad()}else\n`;
          this.indent++;
          closings++;
          out += `${this.pad()}if ${this.condition(branch.clause)}; then\n${this.block(branch.then, ';')}\n`;
        }
        if (node.else !== undefined) out += `${this.pad()}else\n${this.block(node.else, ';')}\n`;
        for (; closings > 0; closings--) {
          out += `${this.pad()}fi;\n`;
          this.indent--;
        }
        return `${out}${this.pad()}fi`;
      }
      case 'While':
        return `${node.kind} ${this.condition(node.clause)}; do\n${this.block(node.body, ';')}\n${this.pad()}done`;
      case 'For':
        return `for ${node.name.text} in ${node.wordlist === undefined ? '"$@"' : node.wordlist.map((word) => this.word(word)).join(' ')};\n${this.pad()}do\n${this.block(node.body, ';')}\n${this.pad()}done`;
      case 'Select':
        return `select ${node.name.text} in ${node.wordlist === undefined ? '"$@"' : node.wordlist.map((word) => this.word(word)).join(' ')};\n${this.pad()}do\n${this.block(node.body, ';')}\n${this.pad()}done`;
      case 'ArithmeticFor': {
        const part = (own: { readonly pos: number; readonly end: number } | undefined): string =>
          own === undefined ? '' : this.text.slice(own.pos, own.end);
        return `for ((${part(node.initialize)}; ${part(node.test)}; ${part(node.update)}))\n${this.pad()}do\n${this.block(node.body, ';')}\n${this.pad()}done`;
      }
      case 'Case': {
        this.indent++;
        const items = node.items.map((item) => {
          const body = item.body.commands.length === 0 ? '' : `\n${this.block(item.body, '')}`;
          return `${this.pad()}${item.pattern.map((word) => this.word(word)).join(' | ')})${body}\n${this.pad()}${item.terminator ?? ';;'}`;
        });
        this.indent--;
        return `case ${this.word(node.word)} in \n${items.join('\n')}\n${this.pad()}esac`;
      }
      case 'TestCommand':
        return `[[ ${this.test(node.expression)} ]]`;
      case 'ArithmeticCommand':
        return `((${node.body}))`;
      case 'Function':
        return `function ${node.name.text} () \n${this.pad()}${this.functionBody(node.body)}`;
      case 'Coproc':
        return `coproc ${node.name?.text ?? 'COPROC'} ${this.node(node.body)}`;
    }
  }

  private condition(list: CompoundList): string {
    return list.commands.map((statement) => this.node(statement.command)).join('; ');
  }

  private test(node: TestExpression): string {
    switch (node.type) {
      case 'TestUnary':
        return `${node.operator} ${this.word(node.operand)}`;
      case 'TestBinary':
        return `${this.word(node.left)} ${node.operator} ${this.word(node.right)}`;
      case 'TestLogical':
        return node.operands.map((operand) => this.test(operand)).join(` ${node.operator} `);
      case 'TestNot':
        return `${'! '.repeat(node.negations.length)}${this.test(node.operand)}`;
      case 'TestGroup':
        return `( ${this.test(node.expression)} )`;
    }
  }
}
