/** After the last test of a browser, one line for machines: `N passed, N failed`, as `test/mocha/reporter.ts` has it for Node. */
import type { Context, Suite } from 'mocha'

after(function (this: Context) {
  const tests = testsOf(this.test?.parent)
  const count = (state: string): number => tests.filter(test => test.state === state).length

  // eslint-disable-next-line no-console
  console.log(`${count('passed')} passed, ${count('failed')} failed`)
})

function testsOf (suite?: Suite): Suite['tests'] {
  return suite == null ? [] : [...suite.tests, ...suite.suites.flatMap(testsOf)]
}
