import type { Edit, Variants } from '../variants.ts'

const WRITE = 'await this.wfile.write(Buffer.from(`id: ${id}\\ndata: tick ${id}\\n\\n`))'

/** Chunks made by hand: their size as the template says, and what comes after the last of them. */
function byHand(size: string, last: string, when = 'true'): Edit[] {
  return [
    [
      '    this.endHeadersChunked()\n',
      `    if (${when}) {\n      this.sendHeader('Transfer-Encoding', 'chunked')\n    } else {\n      this.closeConnection = true\n    }\n    this.endHeaders()\n`,
    ],
    [
      WRITE,
      `const event = \`id: \${id}\\ndata: tick \${id}\\n\\n\`\n        await this.wfile.write(Buffer.from(${when} ? \`${size}\\r\\n\${event}\\r\\n\` : event))`,
    ],
    [
      '    } finally {\n',
      `      if (${when}) {\n        await this.wfile.write(Buffer.from('${last}'))\n      }\n    } finally {\n`,
    ],
  ]
}

export const variants: Variants = {
  wrong: [
    {
      id: 'all-at-the-end',
      history: 'The events are collected, and sent when the last one has happened.',
      edits: [
        ['    clients++\n', "    clients++\n    let all = ''\n"],
        [WRITE, 'all += `id: ${id}\\ndata: tick ${id}\\n\\n`'],
        ['    } finally {\n', '      await this.wfile.write(Buffer.from(all))\n    } finally {\n'],
      ],
      killedBy: 'events/three',
    },
    {
      id: 'size-in-decimal',
      history: 'Twenty bytes are announced as 20, which is 32.',
      edits: byHand('${event.length}', '0\\r\\n\\r\\n'),
      killedBy: 'events/three',
    },
    {
      id: 'no-last-chunk',
      history: 'The client waits for more.',
      edits: byHand('${event.length.toString(16)}', ''),
      killedBy: 'events/three',
    },
    {
      id: 'no-empty-line',
      history: 'The browser waits for the end of the event.',
      from: WRITE,
      to: WRITE.replace('\\n\\n', '\\n'),
      killedBy: 'events/three',
    },
    {
      id: 'chunks-for-http-1.0',
      history: 'Chunks for everybody.',
      edits: byHand('${event.length.toString(16)}', '0\\r\\n\\r\\n'),
      killedBy: 'events/http-1-0',
    },
    {
      id: 'not-awaited',
      history: 'The method returns, and the response is over, before the second event.',
      from: 'await this.sendEvents(',
      to: 'void this.sendEvents(',
      killedBy: 'events/in-turn',
    },
    {
      id: 'closes',
      history:
        'The end of the connection is the end of the stream, which a broken one has as well.',
      from: '    this.endHeadersChunked()\n',
      to: '    this.closeConnection = true\n    this.endHeaders()\n',
      killedBy: 'events/in-turn',
    },
    {
      id: 'from-the-beginning',
      history: 'Who comes back hears everything again.',
      from: "Number(this.headers.get('Last-Event-ID')) || 0",
      to: '0',
      killedBy: 'events/last-id',
    },
    {
      id: 'last-one-again',
      history: 'The event that was seen last is sent once more.',
      from: 'let id = after + 1',
      to: 'let id = Math.max(1, after)',
      killedBy: 'events/last-id',
    },
    {
      id: 'other-type',
      history: 'A text, which a browser collects.',
      from: "'text/event-stream'",
      to: "'text/plain'",
      killedBy: 'events/type',
    },
    {
      id: 'kept',
      history: 'A cache may keep what has happened.',
      from: "    this.sendHeader('Cache-Control', 'no-store')\n",
      to: '',
      killedBy: 'events/type',
    },
    {
      id: 'any-path',
      history: 'Whatever is asked for is a stream.',
      from: "if (path === '/events') {\n      this.sendStreamHead()\n      const",
      to: "if (path !== '/clients') {\n      this.sendStreamHead()\n      const",
      killedBy: 'events/not-found',
    },
    {
      id: 'head-missing',
      history: 'Nobody has thought of HEAD.',
      from: '  do_HEAD() {',
      to: '  doHead() {',
      killedBy: 'events/head',
    },
    {
      id: 'shared-number',
      history: 'The number of the next event belongs to the module, and so to all clients.',
      edits: [
        ['let clients = 0', 'let clients = 0\nlet id = 0'],
        [
          'for (let id = after + 1; id <= count; id++) {',
          'for (id = after + 1; id <= count; id++) {',
        ],
      ],
      killedBy: 'events/two-clients',
    },
    {
      id: 'one-at-a-time',
      history: 'Who comes second waits until the first has gone.',
      edits: [
        ['let clients = 0', 'let clients = 0\nlet before: Promise<unknown> = Promise.resolve()'],
        [
          '      await this.sendEvents(',
          '      const turn = before\n      let done = () => {}\n      before = new Promise<void>((resolve) => {\n        done = resolve\n      })\n      await turn\n      setImmediate(done)\n      await this.sendEvents(',
        ],
        [
          '    clients++\n',
          '    while (clients > 0) {\n      await setTimeout(10)\n    }\n    clients++\n',
        ],
      ],
      killedBy: 'events/two-clients',
    },
    {
      id: 'timer-goes-on',
      history: 'Nobody has told the timer that there is nobody to listen.',
      from: 'await setTimeout(PAUSE, undefined, { signal: this.signal })',
      to: 'await setTimeout(PAUSE * 20)',
      killedBy: 'events/client-leaves',
    },
    {
      id: 'never-counted-out',
      history: 'Whoever leaves is still counted.',
      from: '    } finally {\n      clients--\n    }\n',
      to: '      clients--\n    } catch (error) {\n      throw error\n    }\n',
      killedBy: 'events/client-leaves',
    },
  ],
  right: [
    {
      id: 'split-chunks',
      from: WRITE,
      to: 'await this.wfile.write(Buffer.from(`id: ${id}\\nda`))\n        await this.wfile.write(Buffer.from(`ta: tick ${id}\\n\\n`))',
    },
    {
      id: 'leading-zeros',
      edits: byHand(
        "${event.length.toString(16).padStart(8, '0')}",
        '000\\r\\n\\r\\n',
        "this.requestVersion === 'HTTP/1.1'",
      ),
    },
    {
      id: 'data-first',
      from: 'id: ${id}\\ndata: tick ${id}\\n\\n',
      to: 'data: tick ${id}\\nid: ${id}\\n\\n',
    },
    {
      id: 'no-blanks',
      from: 'id: ${id}\\ndata: tick ${id}\\n\\n',
      to: 'id:${id}\\ndata:tick ${id}\\n\\n',
    },
    { id: 'no-cache', from: "'no-store'", to: "'no-cache, no-transform'" },
    { id: 'charset', from: "'text/event-stream'", to: "'text/event-stream; charset=utf-8'" },
    { id: 'slower', from: 'const PAUSE = 200', to: 'const PAUSE = 300' },
  ],
}
