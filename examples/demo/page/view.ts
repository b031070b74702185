/** The page as the rest of the program sees it. */
import type { Stage } from './dial.ts'
import type { Connection } from '@libp2p/interface'

/** Lines of chat that are kept. */
const MAX_LINES = 200

export function element <T extends HTMLElement = HTMLElement> (id: string): T {
  return document.getElementById(id) as T
}

export function show (id: string, text: string): void {
  element(id).textContent = text
  element(id).title = text
}

export function showState (state: 'dialling' | 'open' | 'failed', text: string): void {
  element('state').dataset.state = state
  show('state', text)
  document.querySelectorAll<HTMLButtonElement>('button').forEach(button => { button.disabled = state !== 'open' })
}

export function showConnection ({ remotePeer, remoteAddr, encryption, multiplexer }: Connection): void {
  show('peer', `${remotePeer}`)
  show('remote', `${remoteAddr}`)
  show('negotiated', `${encryption} ${multiplexer}`)
}

export function showStages (stages: Stage[]): void {
  const longest = Math.max(...stages.map(({ took }) => took ?? 0), 1)

  element('stages').replaceChildren(...stages.map(({ name, took }) => {
    const item = document.createElement('li')
    const bar = document.createElement('i')
    const track = child(item, 'track', '')
    bar.style.width = `${(took ?? 0) / longest * 100}%`
    track.append(bar)
    item.prepend(name)
    child(item, 'time', took == null ? '...' : `${took.toFixed(1)} ms`)

    return item
  }))
}

export function showLine (from: string, text: string): void {
  const list = element('chat')
  const item = document.createElement('li')
  const who = document.createElement('b')
  who.textContent = from
  item.append(who, text)
  list.append(item)

  while (list.childElementCount > MAX_LINES) {
    list.firstElementChild?.remove()
  }

  list.scrollTop = list.scrollHeight
}

/** A button that stays pressed, and what is done when it changes. */
export function toggle (id: string, onChange: (pressed: boolean) => void): void {
  element(id).addEventListener('click', () => { press(id, !isPressed(id)); onChange(isPressed(id)) })
}

export function isPressed (id: string): boolean {
  return element(id).getAttribute('aria-pressed') === 'true'
}

export function press (id: string, pressed: boolean): void {
  element(id).setAttribute('aria-pressed', `${pressed}`)
}

function child (parent: HTMLElement, className: string, text: string): HTMLElement {
  const element = document.createElement('span')
  element.className = className
  element.textContent = text
  parent.append(element)

  return element
}
