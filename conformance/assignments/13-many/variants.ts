import type { Edit, Variants } from '../variants.ts'

const SERVER = 'class OfficeServer extends ThreadingMixIn(HTTPServer) {}'
const SHARED = '  server.handlerOptions = { drawn: new Int32Array(new SharedArrayBuffer(4)) }\n'
const FIELD = '  drawn = new Int32Array(1)\n'
const DRAW =
  "    const name = await this.rfile.read(Number(this.headers.get('Content-Length') ?? 0))\n" +
  '    // Adds, and tells what was there before, in one step: no other thread comes in between.\n' +
  '    const number = Atomics.add(this.drawn, 0, 1) + 1\n'
const READ =
  "    const name = await this.rfile.read(Number(this.headers.get('Content-Length') ?? 0))\n"
const WAIT =
  '      while (Atomics.load(this.drawn, 0) < until) {\n' +
  '        await setTimeout(10, undefined, { signal: this.signal })\n' +
  '      }\n'
const SIGTERM = "process.once('SIGTERM', () => void server.serverClose())"
const IMPORT = 'import { BaseHTTPRequestHandler, HTTPServer, parseQsl, ThreadingMixIn }'

/** The server with another mix-in, or none. */
function under(server: string, name: string): Edit[] {
  return [
    [IMPORT, `import { ${['BaseHTTPRequestHandler', 'HTTPServer', 'parseQsl', name].join(', ')} }`],
    [SERVER, `class OfficeServer extends ${server} {}`],
  ]
}

const ON_TASKS = under('AsyncMixIn(HTTPServer)', 'AsyncMixIn')

/** Threads, each with a number of its own. */
const OF_ITS_OWN: Edit[] = [
  [SHARED, ''],
  ['\nexport class Office', '\nconst own = new Int32Array(1)\n\nexport class Office'],
  [FIELD, '  drawn = own\n'],
]

export const variants: Variants = {
  wrong: [
    {
      id: 'in-the-handler',
      history: 'The number is a field of the handler, which is gone with its connection.',
      from: SHARED,
      to: '',
      killedBy: 'many/one',
    },
    {
      id: 'from-zero',
      history: 'What was there before is given out.',
      from: 'Atomics.add(this.drawn, 0, 1) + 1',
      to: 'Atomics.add(this.drawn, 0, 1)',
      killedBy: 'many/one',
    },
    {
      id: 'one-after-the-other',
      history: 'Python’s HTTPServer, in which whoever waits lets everybody wait.',
      edits: under('HTTPServer', 'ThreadingMixIn as _'),
      killedBy: 'many/sleepers',
    },
    {
      id: 'one-after-the-other-silent',
      history: 'And so does whoever says nothing.',
      edits: under('HTTPServer', 'ThreadingMixIn as _'),
      killedBy: 'many/silent-client',
    },
    {
      id: 'threads-module-variable-sleepers',
      history:
        'Each thread counts for itself, and waits for a number that is drawn in another one.',
      edits: OF_ITS_OWN,
      killedBy: 'many/sleepers',
    },
    {
      id: 'copied-memory',
      history: 'The array crosses as a copy: its buffer is not a shared one.',
      from: 'new Int32Array(new SharedArrayBuffer(4))',
      to: 'new Int32Array(1)',
      killedBy: 'many/sleepers',
    },
    {
      id: 'few-threads',
      history: 'As many threads as the machine has processors, for handlers that wait.',
      from: SHARED,
      to: `${SHARED}  server.maxThreads = 2\n`,
      killedBy: 'many/sleepers',
    },
    {
      id: 'waits-with-the-thread',
      history: 'On one thread, Atomics.wait() stops everybody, and not the one who waits.',
      edits: [
        ...ON_TASKS,
        [
          WAIT,
          '      for (let n = 0; (n = Atomics.load(this.drawn, 0)) < until; ) {\n        Atomics.wait(this.drawn, 0, n)\n      }\n',
        ],
        ['setImmediate, setTimeout', 'setImmediate'],
      ],
      killedBy: 'many/sleepers',
    },
    {
      id: 'awake-too-soon',
      history: 'The first number wakes everybody.',
      from: 'while (Atomics.load(this.drawn, 0) < until) {',
      to: 'while (Atomics.load(this.drawn, 0) < Math.min(until, 1)) {',
      killedBy: 'many/sleepers',
    },
    {
      id: 'said-at-the-end',
      history: 'A client that hears nothing takes the server for dead.',
      edits: [
        ["      await this.beginText('waiting\\n')\n", ''],
        [
          '      await this.wfile.write(Buffer.from(`${Atomics.load(this.drawn, 0)}\\n`))\n',
          '      this.sendText(`waiting\\n${Atomics.load(this.drawn, 0)}\\n`)\n',
        ],
      ],
      killedBy: 'many/sleepers',
    },
    {
      id: 'one-thread',
      history: 'A thread is enough, since it may have one connection after the other.',
      from: SHARED,
      to: `${SHARED}  server.maxThreads = 1\n`,
      killedBy: 'many/silent-client',
    },
    {
      id: 'silent-ones-are-ended',
      history: 'Whoever is not done when the next one comes loses the connection.',
      edits: [
        [
          SERVER,
          "class OfficeServer extends ThreadingMixIn(HTTPServer) {\n  last: Parameters<HTTPServer['processRequest']>[0] | undefined\n\n  override processRequest(...about: Parameters<HTTPServer['processRequest']>) {\n    this.last?.destroy()\n    this.last = about[0]\n    return super.processRequest(...about)\n  }\n}",
        ],
      ],
      killedBy: 'many/silent-client',
    },
    {
      id: 'tasks-that-compute',
      history: 'Tasks are enough for whoever waits, and not for whoever computes.',
      edits: ON_TASKS,
      killedBy: 'many/computing',
    },
    {
      id: 'tasks-that-are-async',
      history: 'The word async does not put it anywhere else.',
      edits: [
        ...ON_TASKS,
        [
          'function search(isOver: () => boolean): string {',
          'async function search(isOver: () => boolean): Promise<string> {',
        ],
        ['const found = search(', 'const found = await search('],
      ],
      killedBy: 'many/computing',
    },
    {
      id: 'threads-module-variable-computing',
      history: 'The search never hears that it is over.',
      edits: OF_ITS_OWN,
      killedBy: 'many/computing',
    },
    {
      id: 'one-search-at-a-time',
      history: 'A lock around the search: the second one waits for the first.',
      edits: [
        [
          SHARED,
          '  const lock = new Int32Array(new SharedArrayBuffer(4))\n  server.handlerOptions = { drawn: new Int32Array(new SharedArrayBuffer(4)), lock }\n',
        ],
        [FIELD, `${FIELD}\n  lock = new Int32Array(1)\n`],
        [
          "      await this.beginText('searching\\n')\n",
          "      while (Atomics.compareExchange(this.lock, 0, 0, 1) !== 0) {\n        await setTimeout(10, undefined, { signal: this.signal })\n      }\n      await this.beginText('searching\\n')\n",
        ],
        [
          '      await this.wfile.write(Buffer.from(`${found}\\n`))\n',
          '      Atomics.store(this.lock, 0, 0)\n      await this.wfile.write(Buffer.from(`${found}\\n`))\n',
        ],
      ],
      killedBy: 'many/computing',
    },
    {
      id: 'threads-module-variable',
      history: 'A number is given once by each thread.',
      edits: OF_ITS_OWN,
      killedBy: 'many/counter',
    },
    {
      id: 'read-then-written',
      history: 'What has been read is old when the body has come.',
      from: DRAW,
      to:
        '    const number = Atomics.load(this.drawn, 0) + 1\n' +
        READ +
        '    Atomics.store(this.drawn, 0, number)\n',
      killedBy: 'many/counter',
    },
    {
      id: 'drawn-before-the-body',
      history: 'Who never says his name has a number nevertheless.',
      from: DRAW,
      to: '    const number = Atomics.add(this.drawn, 0, 1) + 1\n' + READ,
      killedBy: 'many/counter',
    },
    {
      id: 'exits',
      history: 'The signal ends the process, and with it everybody’s response.',
      from: SIGTERM,
      to: "process.once('SIGTERM', () => process.exit(0))",
      killedBy: 'many/shutdown',
    },
    {
      id: 'no-handler',
      history: 'Nobody has thought of the signal.',
      from: SIGTERM,
      to: '',
      killedBy: 'many/shutdown',
    },
    {
      id: 'ignored',
      history: 'A signal that is only logged keeps the process from ending.',
      from: SIGTERM,
      to: "process.once('SIGTERM', () => { console.error('SIGTERM') })",
      killedBy: 'many/shutdown',
    },
    {
      id: 'only-the-loop',
      history: 'The loop has ended, and the socket still listens.',
      from: SIGTERM,
      to: "process.once('SIGTERM', () => void server.shutdown())",
      killedBy: 'many/shutdown',
    },
    {
      id: 'daemons',
      history: 'ThreadingHTTPServer does not wait for its threads.',
      edits: [
        ...under('ThreadingHTTPServer', 'ThreadingHTTPServer'),
        [
          SIGTERM,
          "process.once('SIGTERM', async () => { await server.serverClose(); process.exit(0) })",
        ],
      ],
      killedBy: 'many/shutdown',
    },
    {
      id: 'ends-with-1',
      history: 'Being told to end is no error.',
      from: SIGTERM,
      to: "process.once('SIGTERM', async () => { await server.serverClose(); process.exit(1) })",
      killedBy: 'many/shutdown',
    },
    {
      id: 'held-by-a-timer',
      history: 'The server is closed, and a timer keeps the process running.',
      from: SIGTERM,
      to: `setInterval(() => {}, 1000)\n  ${SIGTERM}`,
      killedBy: 'many/shutdown',
    },
  ],
  right: [
    {
      id: 'threads-that-block',
      edits: [
        [
          WAIT,
          '      for (let n = 0; (n = Atomics.load(this.drawn, 0)) < until; ) {\n        Atomics.wait(this.drawn, 0, n)\n      }\n',
        ],
        ['setImmediate, setTimeout', 'setImmediate'],
        [
          '    this.sendText(`${number} ',
          '    Atomics.notify(this.drawn, 0)\n    this.sendText(`${number} ',
        ],
      ],
    },
    {
      id: 'daemons-that-are-joined',
      edits: [
        ...under('ThreadingHTTPServer', 'ThreadingHTTPServer'),
        [SHARED, `${SHARED}  server.daemonThreads = false\n`],
      ],
    },
    {
      id: 'shutdown-first',
      from: SIGTERM,
      to: "process.once('SIGTERM', async () => {\n    await server.shutdown()\n    await server.serverClose()\n    process.exit(0)\n  })",
    },
    {
      id: 'tasks-and-workers-of-its-own',
      edits: [
        ...ON_TASKS,
        [
          "import { setImmediate, setTimeout } from 'node:timers/promises'\n",
          "import { once } from 'node:events'\nimport { setImmediate, setTimeout } from 'node:timers/promises'\nimport { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'\n",
        ],
        [
          '      const found = search(() => Atomics.load(this.drawn, 0) >= until)\n',
          "      const worker = new Worker(new URL(import.meta.url), {\n        workerData: { drawn: this.drawn, until },\n      })\n      const [found] = await once(worker, 'message')\n",
        ],
        [
          'class OfficeServer ',
          'if (!isMainThread) {\n  const { drawn, until } = workerData as { drawn: Int32Array; until: number }\n  parentPort?.postMessage(search(() => Atomics.load(drawn, 0) >= until))\n}\n\nclass OfficeServer ',
        ],
      ],
    },
    {
      id: 'a-search-in-pieces',
      edits: [
        ...ON_TASKS,
        [
          'function search(isOver: () => boolean): string {',
          'async function search(isOver: () => boolean): Promise<string> {',
        ],
        ['const found = search(', 'const found = await search('],
        [
          '    const next = hashOf(n)\n',
          '    if (n % 1000 === 0) {\n      await setImmediate()\n    }\n    const next = hashOf(n)\n',
        ],
      ],
    },
    {
      id: 'one-response-a-connection',
      from: "    this.sendResponse(200)\n    this.sendHeader('Content-Type', 'text/plain')\n    this.sendHeader('Content-Length', body.length)\n",
      to: "    this.closeConnection = true\n    this.sendResponse(200)\n    this.sendHeader('Content-Type', 'text/plain')\n    this.sendHeader('Connection', 'close')\n    this.sendHeader('Content-Length', body.length)\n",
    },
    {
      id: 'tried-until-it-fits',
      from: '    const number = Atomics.add(this.drawn, 0, 1) + 1\n',
      to: '    let number = 0\n    do {\n      number = Atomics.load(this.drawn, 0) + 1\n    } while (Atomics.compareExchange(this.drawn, 0, number - 1, number) !== number - 1)\n',
    },
  ],
}
