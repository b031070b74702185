/** The end of a sentence: `, did you mean ...?` where one of the names is a slip of the finger away. */
export function suggestion (given: string, names: string[]): string {
  const [near] = names
    .map(name => ({ name, distance: editDistance(given, name) }))
    .filter(({ distance }) => distance <= 2)
    .sort((a, b) => a.distance - b.distance)

  return near == null ? '.' : `, did you mean ${near.name}?`
}

/** How many letters must be added, dropped or replaced to get from one word to the other (Levenshtein). */
function editDistance (from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)

  for (let i = 1; i <= from.length; i++) {
    const next = [i]

    for (let j = 1; j <= to.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1))
    }

    row = next
  }

  return row[to.length]
}
