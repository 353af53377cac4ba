/** The tree of an awk program. */

export type Expr =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'group'; readonly item: Expr }
  /** `(a, b)`: arguments of print, or subscripts before `in`. */
  | { readonly kind: 'list'; readonly items: readonly Expr[] }
  | LValue
  | {
      readonly kind: 'assign';
      readonly operator: string;
      readonly target: LValue;
      readonly value: Expr;
    }
  | {
      readonly kind: 'increment';
      readonly delta: 1 | -1;
      readonly prefix: boolean;
      readonly target: LValue;
    }
  | { readonly kind: 'unary'; readonly operator: '!' | '-' | '+'; readonly operand: Expr }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expr;
      readonly right: Expr;
    }
  | {
      readonly kind: 'conditional';
      readonly test: Expr;
      readonly then: Expr;
      readonly otherwise: Expr;
    }
  | { readonly kind: 'match'; readonly negated: boolean; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'in'; readonly subscripts: readonly Expr[]; readonly array: string }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Expr[];
      readonly line: number;
    }
  | { readonly kind: 'builtin'; readonly name: string; readonly args: readonly Expr[] }
  | {
      readonly kind: 'getline';
      readonly from: 'main' | 'file' | 'command';
      readonly source: Expr | undefined;
      readonly target: LValue | undefined;
    };

export type LValue =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'field'; readonly index: Expr }
  | { readonly kind: 'element'; readonly array: string; readonly subscripts: readonly Expr[] };

export interface Redirection {
  readonly mode: '>' | '>>' | '|';
  readonly target: Expr;
}

export type Statement =
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | { readonly kind: 'expression'; readonly value: Expr }
  | {
      readonly kind: 'print';
      readonly formatted: boolean;
      readonly args: readonly Expr[];
      readonly redirection: Redirection | undefined;
    }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly then: Statement;
      readonly otherwise: Statement | undefined;
    }
  | {
      readonly kind: 'for';
      readonly start: Statement | undefined;
      readonly test: Expr | undefined;
      readonly step: Statement | undefined;
      readonly body: Statement;
      readonly testFirst: boolean;
    }
  | {
      readonly kind: 'for-in';
      readonly variable: string;
      readonly array: string;
      readonly body: Statement;
    }
  | {
      readonly kind: 'delete';
      readonly array: string;
      readonly subscripts: readonly Expr[] | undefined;
    }
  | { readonly kind: 'exit'; readonly code: Expr | undefined }
  | { readonly kind: 'return'; readonly value: Expr | undefined }
  | { readonly kind: 'break' | 'continue' | 'next' | 'nextfile' };

export interface Rule {
  readonly kind: 'BEGIN' | 'END' | 'pattern';
  readonly pattern: Expr | undefined;
  /** The end of a range. */
  readonly to: Expr | undefined;
  /** undefined prints the record. */
  readonly body: Statement | undefined;
}

export interface FunctionDef {
  readonly name: string;
  readonly params: readonly string[];
  readonly body: Statement;
}

export interface AwkProgram {
  readonly rules: readonly Rule[];
  readonly functions: ReadonlyMap<string, FunctionDef>;
}
