/** @type {import('aegir').PartialOptions} */
export default {
  build: {
    // the browser engines and their bundle arrive together
    bundle: false
  },
  test: {
    // `npm test` says --bail=false because aegir's -b is short for --build and --bail, and --build is the default.
    // Node strips types by itself; the flags that would be set here warn on the stderr of every program under test
    before: async () => ({ env: { NODE_OPTIONS: '' } })
  },
  documentCheck: {
    inputFiles: ['*.md', 'docs/*.md']
  },
  dependencyCheck: {
    // the runtime of every script, and no script names it; a peer of the benchmarks, which are not looked at
    ignore: ['node', '@libp2p/tcp'],
    productionIgnorePatterns: ['/benchmarks', '/examples', '/interop', '/dist', '/docs', '/test', '.aegir.js']
  }
}
