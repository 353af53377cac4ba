// What the code may look like and what may import what.
//
// The libraries form layers (the `layer:N` tag in each package.json). A library imports from lower
// layers only, never from its own; programs (`scope:program`) see only what is tagged
// `visible:program`, the pure libraries (`env:pure`) see neither Node nor Nest. There is
// deliberately no rule that lets everything see everything: a project without a layer sees nothing.
// tools/boundaries.spec.mjs shows that bad imports are refused.
import { builtinModules } from 'node:module';
import { createProjectGraphAsync } from '@nx/devkit';
import eslintJs from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

// The boundary rule reads the cached project graph and skips itself where there is none, so the
// graph is made (or brought up to date) before any file is linted.
await createProjectGraphAsync({ exitOnError: true });

/** From the bottom up. IPv6 lies on IPv4, whose sockets its own extend. */
const LAYERS = ['0', '1', '2', '3', '4', '4b', '5', '6', '7', '8', '9'];
const layers = LAYERS.map((layer, height) => ({
  sourceTag: `layer:${layer}`,
  onlyDependOnLibsWithTags: LAYERS.slice(0, height).map((below) => `layer:${below}`),
}));

const boundaries = {
  enforceBuildableLibDependency: false,
  banTransitiveDependencies: true,
  allow: [],
  depConstraints: [
    ...layers,
    { sourceTag: 'scope:program', onlyDependOnLibsWithTags: ['visible:program'] },
    {
      sourceTag: 'env:pure',
      onlyDependOnLibsWithTags: ['env:pure'],
      allowedExternalImports: [
        'unbash',
        'yaml',
        'zod',
        'diff',
        'fflate',
        '@noble/hashes/*',
        'fast-check',
        'wabt',
        '@jest/globals',
      ],
    },
  ],
};

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a name that is the same everywhere can be searched.',
};
const noEnum = {
  selector: 'TSEnumDeclaration',
  message: 'Use an `as const` object and a union of its values.',
};
const noExportAll = {
  selector: 'ExportAllDeclaration',
  message: 'List the exported names.',
};

const IMPURE =
  'The libraries are pure: time, chance and input/output come from the engine or the caller.';
const impureGlobals = [
  'Buffer',
  'Date',
  'Intl',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'global',
  'globalThis',
  'performance',
  'process',
  'require',
  'self',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'window',
];

export default tseslint.config(
  {
    ignores: ['**/node_modules/', '**/dist/', '**/coverage/', '.nx/', '**/fixtures/', 'tmp/'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,mjs}'],
    extends: [eslintJs.configs.recommended],
    // Names are checked by running these few scripts; a list of Node's globals would be a second truth.
    rules: { 'no-undef': 'off' },
  },
  {
    files: ['**/*.ts'],
    extends: [eslintJs.configs.recommended, tseslint.configs.strict],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', boundaries],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      // A Nest module is a class that only its decorator fills.
      '@typescript-eslint/no-extraneous-class': [
        'error',
        { allowConstructorOnly: true, allowWithDecorator: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      // `table[i]!` says what noUncheckedIndexedAccess cannot know, at no cost on the hot path.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A result whose success carries nothing is `Result<void>`.
      '@typescript-eslint/no-invalid-void-type': 'off',
      eqeqeq: 'error',
      'prefer-const': 'error',
      // Terminals and packets are made of control characters.
      'no-control-regex': 'off',
      'no-restricted-syntax': ['error', noDefaultExport, noEnum],
    },
  },
  {
    files: ['libs/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport, noEnum, noExportAll],
      'no-restricted-globals': [
        'error',
        ...impureGlobals.map((name) => ({ name, message: IMPURE })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: IMPURE },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules.map((name) => ({ name, message: IMPURE })),
          patterns: [{ group: ['node:*', '@nestjs/*', 'typeorm', 'rxjs', 'ws'], message: IMPURE }],
        },
      ],
    },
  },
);
