export function median (values: number[]): number {
  return percentile(values, 50)
}

/** Between two values the nearer rank is taken, except for an even count's median, which is their mean. */
export function percentile (values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)

  if (percent === 50 && sorted.length % 2 === 0) {
    return (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2
  }

  return sorted[Math.min(Math.floor(sorted.length * percent / 100), sorted.length - 1)]
}
