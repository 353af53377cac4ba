// What every project's Jest run shares: TypeScript through swc, native ES modules, and library
// sources instead of built output, so that a spec needs no build.
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@netloom/source', 'node', 'node-addons'] },
  testTimeout: 20_000,
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  testPathIgnorePatterns: process.env.NETLOOM_LONG ? [] : ['\\.long\\.spec\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
