import t from 'tap'
import { HTTPStatus, RESPONSES } from './status.ts'

t.test('HTTPStatus names the codes, also by their old names', async (t) => {
  t.equal(HTTPStatus.OK, 200)
  t.equal(HTTPStatus.NOT_FOUND, 404)
  t.equal(HTTPStatus.CONTENT_TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
  t.equal(HTTPStatus.URI_TOO_LONG, HTTPStatus.REQUEST_URI_TOO_LONG)
  t.equal(HTTPStatus.RANGE_NOT_SATISFIABLE, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
  t.equal(HTTPStatus.UNPROCESSABLE_CONTENT, HTTPStatus.UNPROCESSABLE_ENTITY)
  t.equal(Object.keys(HTTPStatus).length, 62 + 4, 'as many as in Python 3.13')
})

t.test('RESPONSES has phrase and description of each', async (t) => {
  t.same(RESPONSES[404], ['Not Found', 'Nothing matches the given URI'])
  t.same(RESPONSES[418], ["I'm a Teapot", 'Server refuses to brew coffee because it is a teapot.'])
  t.same(RESPONSES[207], ['Multi-Status', ''])
  t.equal(RESPONSES[299], undefined)
  const codes = new Set<number>(Object.values(HTTPStatus))
  t.same(Object.keys(RESPONSES).map(Number), [...codes])
})
