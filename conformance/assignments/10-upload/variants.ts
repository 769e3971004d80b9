import type { Variants } from '../variants.ts'

const NAME = "filename.replace(/^.*[/\\\\]/s, '')"
const PLACE = 'this.pathFor(`/${encodeURIComponent(name)}`)'
const STORE =
  '    await pipeline(limited(pieces), createWriteStream(temporary))\n    await rename(temporary, path)\n'
const RELEASE = '    await rm(temporary, { force: true })\n'

export const variants: Variants = {
  wrong: [
    {
      id: 'name-as-it-is',
      history: 'The folder, a slash, and whatever the client says.',
      edits: [
        [NAME, 'filename'],
        [PLACE, '`${this.directory}/${name}`'],
      ],
      killedBy: 'upload/traversal',
    },
    {
      id: 'backslash-kept',
      history: 'On Windows, a backslash is a slash.',
      from: NAME,
      to: "filename.replace(/^.*\\//s, '')",
      killedBy: 'upload/backslash',
    },
    {
      id: 'as-text',
      history: 'Bytes that are no UTF-8 become question marks.',
      from: 'yield piece',
      to: 'yield Buffer.from(Buffer.from(piece).toString())',
      killedBy: 'upload/binary',
    },
    {
      id: 'in-place',
      history: 'The file is emptied before the new one is there.',
      edits: [
        [STORE, '    await pipeline(limited(pieces), createWriteStream(path))\n'],
        [
          RELEASE,
          '    if (temporary === path) {\n      await rename(path, path)\n    }\n    await rm(temporary, { force: true })\n',
        ],
      ],
      killedBy: 'upload/cut-off',
    },
    {
      id: 'half-a-file-stays',
      history: 'What has come is kept, beside the file that it was to become.',
      from: RELEASE,
      to: '    await rm(`${temporary}.none`, { force: true })\n',
      killedBy: 'upload/cut-off',
    },
    {
      id: 'no-limit',
      history: 'Until the disk is full.',
      edits: [
        ['if (length > LIMIT) {', 'if (length > 1e12) {'],
        [
          "Number(this.headers.get('Content-Length') ?? 0) > LIMIT",
          "Number(this.headers.get('Content-Length') ?? 0) > 2 * LIMIT",
        ],
      ],
      killedBy: 'upload/too-large',
    },
    {
      id: 'length-is-believed',
      history: 'A body in chunks has no length, and so no limit.',
      from: 'if (length > LIMIT) {',
      to: 'if (length > 1e12) {',
      killedBy: 'upload/too-large',
    },
    {
      id: 'asks-for-it-first',
      history: 'The client is told to go on, and then that it was too much.',
      edits: [
        [
          "Number(this.headers.get('Content-Length') ?? 0) > LIMIT",
          "Number(this.headers.get('Content-Length') ?? 0) > LIMIT && this.headers.has('X-Never')",
        ],
      ],
      killedBy: 'upload/continue',
    },
    {
      id: 'always-200',
      history: 'Whatever is done is OK.',
      from: 'isNew ? 201 : 204',
      to: 'isNew ? 200 : 204',
      killedBy: 'upload/put',
    },
    {
      id: 'always-201',
      history: 'Whatever is sent is new.',
      from: 'isNew ? 201 : 204',
      to: 'isNew ? 201 : 201',
      killedBy: 'upload/replace',
    },
    {
      id: 'one-file-only',
      history: 'The first file of a form is stored.',
      from: '[form.get(key) ?? []].flat()',
      to: '[form.get(key) ?? []].flat().slice(0, 1)',
      killedBy: 'upload/form',
    },
    {
      id: 'folders-fail',
      history: 'The disk refuses, and nobody tells the client.',
      from: 'if (isFolder || whatIs(dirname(path))?.isDirectory() !== true) {',
      to: 'if (isFolder && path === dirname(path)) {',
      killedBy: 'upload/directory',
    },
    {
      id: 'no-allow',
      history: 'A 405 that does not say what is allowed.',
      from: "[['Allow', 'GET, HEAD, PUT, POST']]",
      to: '[]',
      killedBy: 'upload/method',
    },
    {
      id: 'deletes',
      history: 'Nobody has asked for that.',
      from: "this.sendError(405, undefined, undefined, [['Allow', 'GET, HEAD, PUT, POST']])",
      to: 'void rm(this.translatePath(this.path), { force: true })\n    this.sendDone(204)',
      killedBy: 'upload/method',
    },
  ],
  right: [
    { id: 'replace-200', from: 'isNew ? 201 : 204', to: 'isNew ? 201 : 200' },
    {
      id: 'names-refused',
      from: `          const name = ${NAME}\n`,
      to: "          if (/[/\\\\]/.test(filename)) {\n            throw new RequestError(400, 'Bad Request')\n          }\n          const name = filename\n",
    },
    {
      id: 'form-201',
      from: "    this.sendResponse(303)\n    this.sendHeader('Location', '/')\n",
      to: '    this.sendResponse(201)\n',
    },
    {
      id: 'forbidden-folders',
      from: "throw new RequestError(409, 'Conflict', 'no file can be stored under this name')",
      to: "throw new RequestError(403, 'Forbidden')",
    },
    {
      id: 'allow-in-another-order',
      from: "'GET, HEAD, PUT, POST'",
      to: "'POST,PUT,HEAD,GET,OPTIONS'",
    },
    {
      id: 'in-memory',
      edits: [
        [
          '    await pipeline(limited(pieces), createWriteStream(temporary))\n',
          '    const all: Uint8Array[] = []\n    for await (const piece of limited(pieces)) {\n      all.push(piece)\n    }\n    await pipeline([Buffer.concat(all)], createWriteStream(temporary))\n',
        ],
      ],
    },
  ],
}
