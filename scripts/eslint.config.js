// The linter's rules: typescript-eslint's strict sets, and the few places where this project
// means what they forbid.
import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.tap/', 'docs-html/', 'bench-peers/'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['scripts/*.js'] },
        tsconfigRootDir: `${import.meta.dirname}/..`,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',

      // A field that may be overridden says its wide type: `protocolVersion: string = '...'`.
      '@typescript-eslint/no-inferrable-types': 'off',
      // A hook that does nothing still names what it is given.
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      '@typescript-eslint/no-empty-function': 'off',
      // `void | Promise<void>` is what a method that may wait, but need not, returns.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // `noUncheckedIndexedAccess` asks for a word where a regular expression guarantees a group.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // It does not look into the intersection that a mix-in makes, and so takes an
      // `AsyncTCPServer` for no `BaseServer`.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    // The article's programs read as the article's do: `self.wfile.write()`, and no ceremony.
    files: ['docs/examples/**'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    // Nor do the programs that students begin with, and end up with.
    files: ['docs/assignments/**', 'conformance/assignments/*/solution.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    // tap awaits its subtests, and a subtest is async so that it ends by itself.
    files: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
)
