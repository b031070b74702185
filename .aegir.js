/** @type {import('aegir').PartialOptions} */
export default {
  build: {
    // the browser engines and their bundle arrive together
    bundle: false
  },
  documentCheck: {
    inputFiles: ['*.md', 'docs/*.md']
  },
  dependencyCheck: {
    // the runtime of every script, and no script names it
    ignore: ['node'],
    productionIgnorePatterns: ['/benchmarks', '/examples', '/dist', '/docs', '/test', '.aegir.js']
  }
}
