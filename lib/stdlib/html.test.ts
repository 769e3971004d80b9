import t from 'tap'
import { escapeHtml } from './html.ts'

t.test('escapeHtml() escapes the quotes unless told not to', async (t) => {
  t.equal(escapeHtml('<a href="x">&\'</a>'), '&lt;a href=&quot;x&quot;&gt;&amp;&#x27;&lt;/a&gt;')
  t.equal(escapeHtml('<b>"&\'', false), '&lt;b&gt;"&amp;\'')
  t.equal(escapeHtml('&amp;'), '&amp;amp;', 'an entity is text like any other')
})
