/** The tree of a jq filter. */

export type Filter =
  | { readonly kind: 'identity' | 'recurse' }
  | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
  | {
      readonly kind: 'string';
      readonly format: string | undefined;
      readonly parts: readonly (string | Filter)[];
    }
  | { readonly kind: 'format'; readonly name: string }
  | { readonly kind: 'index'; readonly target: Filter; readonly key: Filter }
  | {
      readonly kind: 'slice';
      readonly target: Filter;
      readonly from: Filter | undefined;
      readonly to: Filter | undefined;
    }
  | { readonly kind: 'iterate'; readonly target: Filter }
  | { readonly kind: 'array'; readonly body: Filter | undefined }
  | {
      readonly kind: 'object';
      readonly entries: readonly { readonly key: Filter; readonly value: Filter | undefined }[];
    }
  | { readonly kind: 'negate'; readonly operand: Filter }
  | {
      readonly kind: 'pipe' | 'comma' | 'alternative' | 'and' | 'or';
      readonly left: Filter;
      readonly right: Filter;
    }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Filter;
      readonly right: Filter;
    }
  | {
      readonly kind: 'update';
      readonly operator: string;
      readonly left: Filter;
      readonly right: Filter;
    }
  | {
      readonly kind: 'if';
      readonly test: Filter;
      readonly then: Filter;
      readonly otherwise: Filter;
    }
  | { readonly kind: 'try'; readonly body: Filter; readonly handler: Filter | undefined }
  | {
      readonly kind: 'reduce';
      readonly source: Filter;
      readonly pattern: Pattern;
      readonly start: Filter;
      readonly update: Filter;
    }
  | {
      readonly kind: 'foreach';
      readonly source: Filter;
      readonly pattern: Pattern;
      readonly start: Filter;
      readonly update: Filter;
      readonly extract: Filter | undefined;
    }
  | { readonly kind: 'define'; readonly definition: Definition; readonly body: Filter }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Filter[];
      readonly start: number;
    }
  | {
      readonly kind: 'variable';
      readonly name: string;
      readonly line: number;
      readonly start: number;
    }
  | {
      readonly kind: 'bind';
      readonly source: Filter;
      readonly patterns: readonly Pattern[];
      readonly body: Filter;
    }
  | { readonly kind: 'label'; readonly name: string; readonly body: Filter }
  | { readonly kind: 'break'; readonly name: string };

export type Pattern =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'array'; readonly items: readonly Pattern[] }
  | {
      readonly kind: 'object';
      readonly entries: readonly {
        readonly key: Filter;
        readonly variable: string | undefined;
        readonly pattern: Pattern | undefined;
      }[];
    };

export interface Definition {
  readonly name: string;
  readonly params: readonly string[];
  readonly body: Filter;
}
