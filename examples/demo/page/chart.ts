import UPlot from 'uplot'

/** What is shown, s. */
const SPAN = 60
/** Where its axis has labels, s. */
const AGES = [50, 40, 30, 20, 10, 0]

export interface Line {
  /** Name of a CSS custom property. */
  colour: string
}

/** A plot of the last minute that follows the size of its element and the colours of the page. */
export class Chart {
  readonly #element: HTMLElement
  readonly #lines: Line[]
  readonly #times: number[] = []
  readonly #values: number[][]
  #plot: UPlot | undefined

  constructor (id: string, lines: Line[]) {
    this.#element = document.getElementById(id) as HTMLElement
    this.#lines = lines
    this.#values = lines.map(() => [])
    this.#draw()

    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.#draw() })
    new ResizeObserver(() => { this.#plot?.setSize(this.#size) }).observe(this.#element)
  }

  /** One value for each line, at this moment. */
  add (...values: number[]): void {
    const now = Date.now() / 1_000
    this.#times.push(now)
    this.#values.forEach((line, i) => { line.push(values[i]) })

    while (this.#times[0] < now - SPAN) {
      this.#times.shift()
      this.#values.forEach(line => { line.shift() })
    }

    this.#plot?.setData(this.#data)
  }

  get #data (): [number[], ...number[][]] {
    return [this.#times, ...this.#values]
  }

  get #size (): { width: number, height: number } {
    return { width: this.#element.clientWidth, height: this.#element.clientHeight }
  }

  #draw (): void {
    const style = getComputedStyle(this.#element)
    // custom properties hold light-dark(), which only a colour resolves
    const colour = (name: string): string => {
      const probe = document.createElement('i')
      probe.style.color = `var(--${name})`
      this.#element.append(probe)
      const { color } = getComputedStyle(probe)
      probe.remove()

      return color
    }
    const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: `12px ${style.fontFamily}` }

    this.#plot?.destroy()
    this.#plot = new UPlot({
      ...this.#size,
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { range: () => [Date.now() / 1_000 - SPAN, Date.now() / 1_000] },
        y: { range: (_, __, max) => [0, Math.max(max * 1.15, 1)] }
      },
      axes: [{ ...axis, size: 30, splits: () => AGES.map(age => Date.now() / 1_000 - age), values: () => AGES.map(age => age === 0 ? 'now' : `-${age} s`) }, { ...axis, size: 46 }],
      series: [{}, ...this.#lines.map(({ colour: name }) => ({ stroke: colour(name), width: 2, points: { show: false }, fill: colour(name).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.08)') }))]
    }, this.#data, this.#element)
  }
}
