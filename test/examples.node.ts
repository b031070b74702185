/**
 * Runs the examples as a person would, and uses what they say. Needs `npm run build` first.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { cleanUp } from './fixtures/clean-up.ts'
import { createNode } from './fixtures/nodes.ts'
import type { ChildProcess } from 'node:child_process'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The process of an example, and the first line that it prints. */
async function run (file: string): Promise<{ process: ChildProcess, line: string }> {
  const child = spawn(process.execPath, [file], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  cleanUp(() => { child.kill('SIGKILL') })
  const [line] = await once(createInterface(child.stdout), 'line')

  return { process: child, line }
}

describe('examples/server', function () {
  this.timeout(30_000)

  for (const file of globSync('examples/server/*.ts', { cwd: root })) {
    it(`${file}: the site and the node answer on one port, and both stop`, async () => {
      const { process: example, line } = await run(file)
      expect(line).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/http-path\/libp2p\/p2p\/12D3/)

      const response = await fetch(`http://127.0.0.1:${/tcp\/(\d+)/.exec(line)?.[1]}/`)
      await expect(response.text()).to.eventually.equal('the site')

      const node = await createNode()
      await expect(node.services.ping.ping(multiaddr(line))).to.eventually.be.a('number')

      example.kill('SIGTERM')
      expect(await once(example, 'exit')).to.deep.equal([0, null])
    })
  }
})
