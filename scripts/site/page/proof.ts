/**
 * On a page of the source: the proof of a paragraph unfolds below it.
 *
 * @module
 */

import { element } from './show.ts'

let proofs: Promise<Document> | undefined

async function load(address: string): Promise<Document> {
  const text = await (await fetch(address)).text()
  return new DOMParser().parseFromString(text, 'text/html')
}

for (const link of document.querySelectorAll<HTMLAnchorElement>('a.q')) {
  link.setAttribute('aria-expanded', 'false')
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      return
    }
    event.preventDefault()
    void toggle(link)
  })
}

async function toggle(link: HTMLAnchorElement): Promise<void> {
  const open = link.getAttribute('aria-expanded') === 'true'
  link.setAttribute('aria-expanded', String(!open))
  if (open) {
    link.nextElementSibling?.remove()
    return
  }
  const box = element('div', 'proof', 'loading …')
  link.after(box)
  try {
    const [address = '', id = ''] = link.href.split('#')
    const section = (await (proofs ??= load(address))).getElementById(id)
    box.replaceChildren(...(section?.querySelectorAll(':scope > p') ?? []))
  } catch {
    location.href = link.href
  }
}
