/** Mocha's `spec` report, then one line for machines: `N passed, N failed`. */
import { reporters } from 'mocha'

class Reporter extends reporters.Spec {
  override epilogue (): void {
    super.epilogue()
    process.stdout.write(`${this.stats.passes} passed, ${this.stats.failures} failed\n`)
  }
}

// mocha `require`s its reporter and wants the class itself
export { Reporter as 'module.exports' }
