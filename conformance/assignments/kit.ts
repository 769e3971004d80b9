/**
 * `npm run assignment -- kit DIR`: a repository for a class, to be pushed as a template.
 *
 * ```text
 *   README.md package.json tsconfig.json .gitattributes .gitignore .github/workflows/grade.yml
 *   docs/assignments/NN-name/   the texts, the starters and the visible cases
 *   docs/guide.md
 *   basehttp/                   the library, compiled and as sources
 *   dist/conformance/           the grader, compiled
 *   work/                       what students write
 * ```
 *
 * No solution is in it, no hidden case, and nothing that proves assignments. What it needs of others are
 * TypeScript, Node's types and undici.
 *
 * @module
 */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { UsageError } from '../run/flags.ts'
import { ASSIGNMENTS, TOP } from '../paths.ts'
import { contentsOf } from '../targets/root.ts'
import { assignments, titleOf } from './assignment.ts'

/** What the commands of a kit are, and what they load only when they need it. */
const PROGRAMS = [
  ...['grade', 'main', 'host', 'preload', 'submission'].map((name) => `assignments/${name}.js`),
  'judge/strict-client.js',
]

const PACKAGES = ['typescript', '@types/node', 'undici']

interface Manifest {
  readonly version: string
  readonly license: string
  readonly engines: unknown
  readonly devDependencies: Readonly<Record<string, string>>
}

/** Make a kit. */
export function makeKit(folder: string | undefined): number {
  if (folder === undefined) {
    throw new UsageError('Say where: npm run assignment -- kit ../http-course')
  }
  const [there] = contentsOf(folder)
  if (there !== undefined) {
    throw new UsageError(`"${folder}" is not empty ("${there}"); name another folder`)
  }
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const manifest = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as Manifest
  const own = { version: manifest.version, license: manifest.license, type: 'module' }
  const { engines } = manifest
  const compiled = join(TOP, 'dist', 'conformance')
  for (const path of closure(compiled, PROGRAMS)) {
    put(join('dist', 'conformance', path), withoutMap(readFileSync(join(compiled, path), 'utf8')))
  }
  for (const [from, to] of [
    ['lib', 'basehttp/lib'],
    ['dist/lib', 'basehttp/dist/lib'],
  ] as const) {
    cpSync(join(TOP, from), join(folder, to), {
      recursive: true,
      filter: (path) => !/\.test\.|[/\\]testing(?:[/\\]|$)/.test(path),
    })
  }
  const exported = {
    '.': { types: './dist/lib/index.d.ts', default: './dist/lib/index.js' },
    './package.json': './package.json',
  }
  put('basehttp/package.json', json({ name: 'basehttp', ...own, exports: exported }))
  const versions = PACKAGES.map((name) => [name, manifest.devDependencies[name] ?? '*'] as const)
  put(
    'package.json',
    json({
      name: 'http-course',
      private: true,
      ...own,
      engines,
      scripts: {
        assignment: 'node dist/conformance/assignments/main.js',
        grade: 'node dist/conformance/assignments/grade.js',
      },
      dependencies: { basehttp: 'file:basehttp', ...Object.fromEntries(versions) },
    }),
  )
  cpSync(join(TOP, 'LICENSE'), join(folder, 'LICENSE'))
  put('tsconfig.json', TSCONFIG)
  put('.gitattributes', '* text=auto eol=lf\n')
  put('.gitignore', 'node_modules/\nwork/points.json\n*.bak\ngrades/\n')
  put('.github/workflows/grade.yml', WORKFLOW)
  put('README.md', readme())
  put('work/README.md', 'Your files go here: `npm run assignment -- start 01` makes the first.\n')
  for (const path of ['docs/guide.md', 'docs/assignments/README.md']) {
    if (existsSync(join(TOP, path))) {
      put(path, readFileSync(join(TOP, path), 'utf8'))
    }
  }
  for (const { name } of assignments()) {
    for (const file of ['README.md', 'cases.md', 'starter.ts']) {
      cpSync(join(ASSIGNMENTS, name, file), join(folder, 'docs', 'assignments', name, file))
    }
  }
  for (const path of pagesIn(folder)) {
    writeFileSync(
      join(folder, path),
      relinked(readFileSync(join(folder, path), 'utf8'), path, folder),
    )
  }
  console.log(`the kit is in ${folder}; next: cd ${folder} && npm install && npm run assignment`)
  return 0
}

/** Some programs, and all that they load at their start, by their paths within a folder. */
function closure(folder: string, programs: readonly string[]): Set<string> {
  const found = new Set<string>()
  const visit = (path: string) => {
    if (found.has(path)) {
      return
    }
    found.add(path)
    const text = readFileSync(join(folder, path), 'utf8')
    for (const [, specifier = ''] of text.matchAll(
      /^(?:import|export) (?:[^'"]* from )?['"](\.[^'"]+)['"]/gm,
    )) {
      visit(relative(folder, join(folder, dirname(path), specifier)).replaceAll('\\', '/'))
    }
  }
  programs.forEach(visit)
  return found
}

function withoutMap(text: string): string {
  return text.replace(/^\/\/# sourceMappingURL=.*$/m, '')
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(folder, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path))
}

/** A page whose links lead to what a kit has; what it has not is named without a link. */
function relinked(text: string, path: string, folder: string): string {
  const target = (link: string): string | undefined => {
    if (/^(?:[a-z]+:|#)/.test(link)) {
      return link
    }
    const [file = '', fragment] = link.split('#', 2)
    const whole = join(dirname(path), file).replaceAll('\\', '/')
    const here = whole.startsWith('lib/') ? `basehttp/${whole}` : whole
    const relink = relative(dirname(path), here).replaceAll('\\', '/')
    return existsSync(join(folder, here))
      ? `${relink}${fragment === undefined ? '' : `#${fragment}`}`
      : undefined
  }
  return text
    .replace(/\[([^\]\n]+)\]\(([^)\s]+)\)/g, (_, name: string, link: string) => {
      const to = target(link)
      return to === undefined ? name : `[${name}](${to})`
    })
    .replace(/^(\[[^\]]+\]): (\S+)$/gm, (line, name: string, link: string) => {
      const to = target(link)
      return to === undefined ? line : `${name}: ${to}`
    })
}

const TSCONFIG = `{
  "compilerOptions": {
    "target": "es2022",
    "lib": ["es2023"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "allowImportingTsExtensions": true,
    "types": ["node"],
    "noEmit": true,
    "strict": true,
    "exactOptionalPropertyTypes": true,
    "noFallthroughCasesInSwitch": true,
    "noImplicitOverride": true,
    "noImplicitReturns": true,
    "noUncheckedIndexedAccess": true,
    "skipLibCheck": true
  },
  "include": ["work", "docs/assignments"]
}
`

/** Grades what has been pushed, on each push. */
const WORKFLOW = `name: Grade
on: [push]
permissions:
  contents: read
jobs:
  grade:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5 # v4.3.1
      - uses: actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0
        with:
          node-version: 22
      - run: npm install
      - shell: bash
        run: |
          shopt -s nullglob
          for file in work/[0-9][0-9]-*.ts; do
            name=$(basename "$file" .ts)
            npm run --silent grade -- "\${name:0:2}" "$file" || true
          done
`

function readme(): string {
  return [
    '# HTTP, by extending a server',
    '',
    'You need Node 20 or newer.',
    '',
    '```sh',
    'npm install',
    'npm run assignment -- start 01    # makes work/01-hello.ts, and says what to read',
    'npm run grade -- 01               # says what is wrong with it',
    '```',
    '',
    '| assignment | is about |',
    '| ---------- | -------- |',
    ...assignments().map(
      (entry) =>
        `| [${entry.number}](docs/assignments/${entry.name}/README.md) | ${titleOf(entry)} |`,
    ),
    '',
    '`npm run assignment` lists them with your points, `npm run assignment -- serve 01` serves your program,',
    '`npm run grade -- 01 --hint 1` shows a hint, `--help` the rest. The library is in `basehttp/`: its sources, in `basehttp/lib/`, are meant to be read.',
    '',
  ].join('\n')
}
