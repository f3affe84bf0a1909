// @ts-check
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const typescript = ['**/*.ts', '**/*.mts', '**/*.cts'];
const javascript = ['**/*.js', '**/*.mjs', '**/*.cjs'];

export default defineConfig(
  globalIgnores(['dist/', 'native/', 'release/', 'target/', '.demo/', '.matrix/', 'bench/.work/']),

  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
    },
  },

  // Scripts and benchmarks: modules that Node runs without compiling.
  {
    files: javascript,
    languageOptions: { globals: globals.node },
  },

  {
    files: typescript,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      // A `switch` over an error's `kind` must have every kind or a default.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A method that takes no `this` says so, to be passed as a callback.
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },

  // The library prints nothing. Files have at most 400 lines.
  {
    files: ['src-ts/**'],
    rules: {
      'no-console': 'error',
      'max-lines': ['error', { max: 400 }],
    },
  },
  {
    files: ['src-ts/cli/**'],
    rules: { 'no-console': 'off' },
  },

  // A test may assert what the types can't express.
  {
    files: ['__test__/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
